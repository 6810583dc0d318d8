"""Words that say nothing of a subject, folded, French and English."""

from __future__ import annotations

_WORDS = """
bonjour bonsoir salut coucou hello hey svp stp merci since yesterday tomorrow demain matin soir tonight morning
a ai aie ait alors apres as au aucun aussi autre aux avait avant avec avez avoir avons c ca car ce cela celle ces
cest cet cette ceux chez ci comme comment d dans de deja depuis des deux dire dis dit doit donc dont du elle elles
en encore entre est et etaient etait etant ete etes etre eu euh eux fait faire faut font hein hier hui il ils j jai
je jusque l la la le les leur leurs lui m ma mais me meme mes moi moins mon n ne ni non nos notre nous on ont ou oui
par parce pas peu peut plus pour pourquoi qu quand que quel quelle quelles quels qui quoi rien s sa sans se sera ses
si sinon soit son sont sous suis sur t ta tant te tellement tes toi ton tous tout toute toutes tres trop tu un une
va vais vers veut via vont vos votre vous vraiment vu y about after again all also always am an and any are arent at
back be because been before being but by can cant could day did didnt do does doesnt doing don dont down even ever
every few for from get gets getting go going gonna got had has hasnt have havent having he her here him his how i id
if ill im in into is isnt it its ive just know let like ll lol made make me more most much my need never new no nor
not now of off oh ok on one only or other our out over own please pls put re really right said same say says see she
should shouldnt so some still such than thank thanks that thats the their them then there these they theyre thing
this those though through to today too try trying u under until up ur us use ve very via want was wasnt way we well
were werent what when where which while who why will with wont would wouldnt yeah yes yet you your youre yours http
https www com co rt amp fr html
"""

STOP_WORDS = frozenset(_WORDS.split())
"""For subjects only: `pas`, `sans` and `never` carry the polarity, and sentiment never sees this list."""

_FEELINGS = """
honte honteux honteuse inadmissible inacceptable lamentable pitoyable minable nul nulle nuls nulles ridicule degoute
degoutee degoutant horrible marre ras bol furieux furieuse colere enerve enervee decu decue decevant decevante deception
pire pires bravo super genial merde putain wtf omg mdr ptdr incompetent incompetents foutage gueule
ridiculous disappointed disappointing disappointment unacceptable worst worse terrible awful horrendous angry annoyed
annoying frustrated frustrating frustration upset pathetic joke shame disgrace disgraceful sucks suck shit shitty fuck
fucking fail disgusted disgusting hate sad unhappy poor crap isn wasn aren weren doesn didn hasn haven couldn wouldn
shouldn someone anyone everyone
"""

FEELINGS = frozenset(_FEELINGS.split())
"""How people feel, and not about what; with what is left of English words cut at an apostrophe. For themes only."""
