"""What individual replies are made of: for each way of answering, openings and closings in French and English.

An opening speaks to the person, the playbook's own sentence states the fact, a closing says what comes next and where.
None of them apologises, denies or promises: that is the playbook's part, by its posture. The markup is that of a
playbook's texts (`{link}`, `[tu|vous]`); see `playbooks.replies` for how they are put together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Words(NamedTuple):
    """`openings` while it lasts and after; `closings` while it lasts, `after` once it is over."""

    openings: tuple[str, ...]
    closings: tuple[str, ...]
    after: tuple[str, ...]


FR: Mapping[str, Words] = {
    "question": Words(
        openings=(
            "Bonjour, merci de poser la question.",
            "Bonjour, question utile, et voici ce que nous pouvons confirmer.",
            "Merci pour [ta|votre] question. Ce que nous savons à cette heure.",
            "Bonjour. Nous [te|vous] devons une réponse nette.",
            "Bonjour, la question est légitime.",
            "Bonjour et merci de demander plutôt que de supposer.",
            "Beaucoup se posent la même question que [toi|vous].",
            "Bonjour, [ta|votre] question mérite une réponse et non un renvoi.",
            "Voici ce que nous savons, et rien de plus.",
            "Bonjour, il est normal de demander où nous en sommes.",
        ),
        closings=(
            "Le point suivant est à {next_update}, tout est ici : {link}",
            "Nous complétons cette réponse à {next_update} ; en attendant, {link}",
            "Suite à {next_update} : {link}",
            "Le détail est tenu à jour ici : {link}. Prochain ajout à {next_update}.",
            "Nous en dirons plus à {next_update}, à cette adresse : {link}",
            "Le suivi : {link}. Retour à {next_update}.",
        ),
        after=(
            "Le récapitulatif complet est ici : {link}",
            "Tout est expliqué sur cette page : {link}",
            "Si la réponse ne suffit pas : {contact}. Le bilan : {link}",
            "Le bilan, avec les dates et les causes : {link}",
        ),
    ),
    "urgent": Words(
        openings=(
            "Bonjour, [ta|votre] situation passe d'abord : [écris-nous|écrivez-nous] tout de suite ici, {contact}.",
            "Bonjour, inutile d'attendre le prochain point : quelqu'un reprend [ton|votre] cas ici, {contact}.",
            "Ce que [tu décris|vous décrivez] ne peut pas attendre. Le plus rapide : {contact}.",
            "Bonjour, nous voulons [t'aider|vous aider] sans délai : {contact}.",
            "Bonjour, l'urgence est comprise. [Écris-nous|Écrivez-nous] ici, s'il [te|vous] plaît : {contact}.",
            "Bonjour, pour un cas comme [le tien|le vôtre], le chemin direct est {contact}.",
            "Avant toute chose : [contacte-nous|contactez-nous] ici, {contact}, en disant que c'est urgent.",
            "Bonjour, nous traitons d'abord les cas comme [le tien|le vôtre] : {contact}.",
        ),
        closings=(
            "Le reste de l'information est ici : {link}. Prochain point à {next_update}.",
            "Pour tout le monde, le point suivant est à {next_update} : {link}",
            "Rien de personnel à publier ici. Le suivi général : {link}, complété à {next_update}.",
            "Nous gardons un œil sur ce fil jusqu'à {next_update} ; le suivi : {link}",
            "L'information générale, revue à {next_update} : {link}",
        ),
        after=(
            "Le récapitulatif reste ici : {link}",
            "Même clos, cet incident ne ferme pas [ton|votre] dossier. Le bilan : {link}",
            "Le bilan, pour plus tard : {link}",
            "Nous restons joignables. Le récapitulatif : {link}",
        ),
    ),
    "anger": Words(
        openings=(
            "Bonjour. [Ta|Votre] colère se comprend, nous n'allons pas la discuter.",
            "Bonjour, nous comprenons que [tu sois|vous soyez] en colère.",
            "Bonjour, nous avons lu [ton|votre] message en entier.",
            "Bonjour, [tu as|vous avez] le droit de nous le dire comme ça.",
            "Le reproche est entendu.",
            "Bonjour, pas de formule toute faite ici.",
            "C'est dit franchement, alors nous répondons de même.",
            "Bonjour, nous comprenons que la patience soit à bout.",
            "[Ton|Votre] message est dur à lire, et il est utile.",
            "Bonjour, nous préférons répondre plutôt que nous taire.",
        ),
        closings=(
            "Ce que nous faisons est tenu à jour ici : {link}. Prochain point à {next_update}.",
            "Nous rendons des comptes à {next_update}, au même endroit pour tous : {link}",
            "Pour que quelqu'un reprenne [ton|votre] cas : {contact}. Le point de {next_update} : {link}",
            "[Tu pourras|Vous pourrez] nous juger sur pièces : {link}, la suite à {next_update}.",
            "Si [tu veux|vous voulez] en parler de vive voix : {contact}. La suite à {next_update} : {link}",
            "Nous revenons à {next_update}, avec des faits : {link}",
        ),
        after=(
            "Ce qui a changé depuis est écrit ici : {link}",
            "Le bilan est public, sans rien d'arrangé : {link}",
            "Si quelque chose reste ouvert pour [toi|vous] : {contact}. Le bilan : {link}",
            "Nous avons mis par écrit ce qui s'est passé : {link}",
        ),
    ),
    "concern": Words(
        openings=(
            "Bonjour, merci de nous l'avoir écrit.",
            "Bonjour, merci pour ce message précis.",
            "Merci de prendre le temps de le dire ici.",
            "Bonjour. Ce que [tu racontes|vous racontez] nous aide à comprendre.",
            "Bonjour, [ton|votre] message est bien arrivé.",
            "Bonjour, c'est noté, et transmis à l'équipe qui s'en occupe.",
            "Nous lisons chaque message, [le tien|le vôtre] aussi.",
            "Bonjour, [tu n'es pas la seule personne|vous n'êtes pas la seule personne] à nous l'écrire aujourd'hui.",
            "Merci d'avoir décrit ce qui se passe de [ton|votre] côté.",
            "Bonjour, nous avons bien compris ce qui [te|vous] préoccupe.",
        ),
        closings=(
            "Nous donnons des nouvelles à {next_update}, par ici : {link}",
            "La suite à {next_update} : {link}",
            "Pour [ton|votre] cas en particulier : {contact}. Pour tous, à {next_update} : {link}",
            "Prochain message de notre part à {next_update}. Le suivi : {link}",
            "Le suivi est public : {link}, complété à {next_update}.",
            "D'ici à {next_update}, tout ce qui est confirmé se trouve là : {link}",
        ),
        after=(
            "Le récapitulatif est en ligne : {link}",
            "Si le souci revient : {contact}. Le bilan : {link}",
            "Pour relire ce qui s'est passé : {link}",
            "Nous restons à l'écoute ici : {contact}. Le bilan : {link}",
        ),
    ),
    "thanks": Words(
        openings=(
            "Merci, vraiment.",
            "Merci pour ces mots, toute l'équipe les a lus.",
            "Bonjour et merci de [ton|votre] soutien.",
            "Merci de la confiance, nous savons qu'elle se mérite.",
            "Ce message fait du bien, merci.",
            "Merci d'avoir pris la parole avec calme.",
            "Un grand merci à [toi|vous].",
            "Bonjour, merci de rappeler les faits.",
            "Merci pour la patience.",
            "Nous transmettons [ton|votre] message à l'équipe, merci.",
        ),
        closings=(
            "D'autres nouvelles à {next_update} : {link}",
            "Nous restons concentrés sur ce qui est à régler. Prochain point à {next_update} : {link}",
            "Les nouvelles sont ici : {link}, prochaine à {next_update}.",
            "Nous gardons le cap, et rendez-vous à {next_update} : {link}",
            "Tout ce qui est confirmé : {link}. Nous complétons à {next_update}.",
        ),
        after=(
            "Le bilan, pour qui veut lire la suite : {link}",
            "Le récit complet : {link}",
            "Nous avons écrit ce que nous en retenons : {link}",
            "La fin de l'histoire est ici : {link}",
        ),
    ),
}

EN: Mapping[str, Words] = {
    "question": Words(
        openings=(
            "Hello, and thank you for asking.",
            "Hello, a useful question, and here is what we can confirm.",
            "Thanks for your question. What we know at this hour.",
            "Hello. We owe you a straight answer.",
            "It's a fair question.",
            "Hello, and thanks for asking rather than guessing.",
            "Many people are asking the same thing as you.",
            "Hello, your question deserves an answer.",
            "Here is what we know, and nothing more.",
            "Hello, it's only natural to ask where we stand.",
        ),
        closings=(
            "The next update is at {next_update}, all of it here: {link}",
            "We'll add to this answer at {next_update}; until then, {link}",
            "We say more at {next_update}: {link}",
            "The details are kept up to date here: {link}. Next addition at {next_update}.",
            "We'll be able to say more at {next_update}, at this address: {link}",
            "The page to trust: {link}. We come back to it at {next_update}.",
        ),
        after=(
            "The full recap is here: {link}",
            "It is all explained on this page: {link}",
            "If that doesn't answer it: {contact}. The review: {link}",
            "The review, with dates and causes: {link}",
        ),
    ),
    "urgent": Words(
        openings=(
            "Hello, your situation comes first: please write to us right now, {contact}.",
            "Hello, no need to wait for the next update: a person takes up your case here, {contact}.",
            "What you describe can't wait. The fastest way: {contact}.",
            "Hello, we want to help you without delay: {contact}.",
            "Hello, we understand that it is urgent. Please write to us here: {contact}.",
            "Hello, for a case like yours the direct way is {contact}.",
            "Before anything else: contact us here, {contact}, and say that it is urgent.",
            "Hello, we deal with cases like yours first: {contact}.",
        ),
        closings=(
            "Everything else is here: {link}. Next update at {next_update}.",
            "For everyone, the next update is at {next_update}: {link}",
            "Please post nothing personal here. General updates: {link}, next at {next_update}.",
            "We keep an eye on this thread until {next_update}; updates: {link}",
            "General information, reviewed at {next_update}: {link}",
        ),
        after=(
            "The recap stays here: {link}",
            "The incident is closed, your case is not. The review: {link}",
            "The review, for later: {link}",
            "You can still reach us. The recap: {link}",
        ),
    ),
    "anger": Words(
        openings=(
            "Hello. Your anger makes sense, and we won't argue with it.",
            "Hello, we understand that you are angry.",
            "We have read your message to the end.",
            "Hello, you have every right to say it that way.",
            "The criticism is heard.",
            "Hello, no stock phrase here.",
            "That was frank, so our answer will be too.",
            "Hello, we understand that patience has run out.",
            "Your message is hard to read, and it is useful.",
            "Hello, we would rather answer than stay silent.",
        ),
        closings=(
            "What we are doing is kept up to date here: {link}. Next update at {next_update}.",
            "We report back at {next_update}, in the same place for everyone: {link}",
            "For someone to take up your case: {contact}. The update of {next_update}: {link}",
            "Judge us by what we do: {link}, more at {next_update}.",
            "If you'd rather talk it over: {contact}. More at {next_update}: {link}",
            "We'll be back at {next_update}, with facts: {link}",
        ),
        after=(
            "What has changed since is written here: {link}",
            "The review is public, with nothing smoothed over: {link}",
            "If anything is still open for you: {contact}. The review: {link}",
            "We have put what happened in writing: {link}",
        ),
    ),
    "concern": Words(
        openings=(
            "Hello, and thank you for writing to us.",
            "Hello, thanks for such a precise message.",
            "Thank you for taking the time to say so here.",
            "Hello. What you tell us helps us understand.",
            "Your message has reached us.",
            "Hello, noted, and passed on to the team in charge.",
            "We read every message, and yours too.",
            "Hello, you are not the only person to tell us so today.",
            "Thanks for describing what is happening on your side.",
            "Hello, we understand what worries you.",
        ),
        closings=(
            "We'll have news at {next_update}, over here: {link}",
            "More at {next_update}: {link}",
            "For your own case: {contact}. For everyone, at {next_update}: {link}",
            "Our next message comes at {next_update}. Updates: {link}",
            "Updates are public: {link}, next at {next_update}.",
            "Until {next_update}, everything that is confirmed stands there: {link}",
        ),
        after=(
            "The recap is online: {link}",
            "If the trouble comes back: {contact}. The review: {link}",
            "To read what happened: {link}",
            "We keep listening here: {contact}. The review: {link}",
        ),
    ),
    "thanks": Words(
        openings=(
            "Thank you, truly.",
            "Thank you for these words, the whole team has read them.",
            "Hello, and thank you for your support.",
            "Thank you for your trust, we know that it has to be earned.",
            "This message does us good, thank you.",
            "Thank you for speaking up so calmly.",
            "Many thanks to you.",
            "Hello, and thanks for recalling the facts.",
            "Thank you for your patience.",
            "We'll pass your message on to the team, thank you.",
        ),
        closings=(
            "Further news at {next_update}: {link}",
            "Our minds stay on what has to be put right. Next update at {next_update}: {link}",
            "News is here: {link}, the next at {next_update}.",
            "We keep at it, and will be back at {next_update}: {link}",
            "Everything confirmed: {link}. We add to it at {next_update}.",
        ),
        after=(
            "The review, for whoever wants to read on: {link}",
            "The whole story: {link}",
            "We have written down what we take from it: {link}",
            "How the story ends is told here: {link}",
        ),
    ),
}

BY_LANG: Mapping[str, Mapping[str, Words]] = {"fr": FR, "en": EN}
STRATEGIES = tuple(FR)
"""The ways of answering."""

SILENCE: Mapping[str, tuple[str, str]] = {
    "illegal": (
        "propos illicites : ne pas répondre ; conserver la preuve, puis signaler et faire retirer",
        "illegal content: no reply; keep the evidence, then report it and have it removed",
    ),
    "insult": (
        "insulte sans question ni demande : ne pas répondre",
        "an insult with no question or request: no reply",
    ),
    "mockery": (
        "moquerie sans demande d'aide : ne pas répondre",
        "mockery with no request for help: no reply",
    ),
    "wordless": (
        "rien à quoi répondre : ni question ni propos",
        "nothing to answer: neither a question nor a statement",
    ),
}
"""Why a mention gets no reply, in French and English."""
