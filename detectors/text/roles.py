"""Words that do something to their neighbours, and signs that say something about a text. French and English."""

from __future__ import annotations

from detectors.text.fold import HANDLE, SEP, URL

NEGATOR, CLAUSE_END, BOOSTER, BUT, EXCLAIM, QUESTION, LINK, NAMED, EMOJI, PRESSING = (1 << i for i in range(10))
SENTENCE_END, PAR, CONTRE = (1 << i for i in range(10, 13))
"""`par contre` is a "but" of two words: the second becomes one where the first stands before it."""

_WORDS = {
    NEGATOR: (
        "n ne pas jamais aucun aucune sans ni rien nullement guere point not no never none without nor nobody "
        "nothing cannot cant wont dont doesnt didnt isnt arent wasnt werent havent hasnt hadnt wouldnt "
        "couldnt shouldnt aint neither"
    ),
    BOOSTER: (
        "tres trop vraiment tellement hyper super ultra mega carrement totalement completement absolument si "
        "grave bien extremement vachement franchement really very so too totally completely absolutely "
        "extremely fucking seriously highly incredibly damn"
    ),
    BUT: (
        "mais but sauf however pourtant cependant although hormis sinon revanche toutefois neanmoins excepte though "
        "except unfortunately malheureusement otherwise"
    ),
    PAR: "par",
    CONTRE: "contre",
    PRESSING: (
        "urgent urgence immediatement vite danger dangereux attention alerte sos honte honteux scandale "
        "scandaleux inadmissible inacceptable intolerable degueulasse police plainte avocat tribunal justice "
        "procureur boycott boycottez mort morts blesse blesses hopital urgences incendie explosion feu "
        "intoxication rappel scam arnaque escroc escrocs emergency immediately asap dangerous warning alert "
        "help shame disgrace disgusting unacceptable outrageous lawsuit sue lawyer court dead death injured "
        "hospital fire poisoning recall fraud worst pire stranded furious"
    ),
}
_CLAUSE_ENDS = frozenset(',.;:!?()[]"|/')
_SENTENCE_ENDS = frozenset(".!?")


def _by_word() -> dict[str, int]:
    roles: dict[str, int] = {}
    for bit, text in _WORDS.items():
        for word in text.split():
            roles[word] = roles.get(word, 0) | bit
    return roles


_ROLES = _by_word()
NEGATORS = frozenset(word for word, role in _ROLES.items() if role & NEGATOR)


def role_of(token: str) -> int:
    """The roles of a folded token, as bits.

    >>> role_of("pas") == NEGATOR, role_of("!!") == EXCLAIM | CLAUSE_END | SENTENCE_END
    (True, True)
    """
    role = _ROLES.get(token, 0)
    if role or (len(token) > 1 and token[0].isalnum() and token[-1].isalnum()):
        return role  # marks and letters never share a token
    if token == SEP or not _CLAUSE_ENDS.isdisjoint(token):
        role |= CLAUSE_END
    if not _SENTENCE_ENDS.isdisjoint(token):
        role |= SENTENCE_END
    role |= EXCLAIM * ("!" in token) | QUESTION * ("?" in token) | LINK * (token == URL) | NAMED * (token == HANDLE)
    return role | EMOJI * (len(token) == 1 and ("\u2600" <= token < "\u2800" or "\ue000" <= token < "\uf700"))
