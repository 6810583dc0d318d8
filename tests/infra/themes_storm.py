"""A synthetic storm about three invented themes, with chatter between: each mention with the theme it was made for."""

from __future__ import annotations

import random

from engine.domain.mention import Mention
from tests.infra.fakes import MINUTE_MS, START_MS

NETWORK = (
    "Plus de réseau depuis ce matin à {place}, {mood}",
    "panne réseau totale sur {place} {mood}",
    "Encore une panne ! zéro barre de réseau {place}",
    "réseau mobile HS chez moi, impossible d'appeler {mood}",
    "la 4G est coupée à {place}, {mood}",
    "Le réseau est mort, aucune antenne ne répond à {place}",
    "impossible de téléphoner, votre réseau est en panne {mood}",
    "coupure réseau à {place} depuis {n} heures, {mood}",
    "Antenne en rade à {place}, pas de 4G ni d'appels. {mood}",
    "panne générale du réseau mobile, {n} heures que ça dure",
)
HOTLINE = (
    "{n} minutes d'attente à la hotline pour rien, {mood}",
    "hotline injoignable, ça raccroche au bout de {n} minutes",
    "Le service client ne décroche pas, {mood}",
    "impossible de joindre un conseiller à la hotline {mood}",
    "La hotline nous raccroche au nez, {mood}",
    "service client injoignable depuis hier. {mood}",
    "attente interminable à votre hotline, aucun conseiller",
    "J'appelle le service client, musique d'attente pendant {n} minutes, {mood}",
)
BILL = (
    "facturé deux fois ce mois-ci, {mood}",
    "{n} euros de trop sur ma facture, {mood}",
    "Prélèvement en double sur mon compte, je veux un remboursement",
    "ma facture a augmenté de {n} euros sans prévenir {mood}",
    "double prélèvement ce matin, remboursez {mood}",
    "la facture est fausse, hors forfait inventé de {n} euros",
    "remboursement toujours pas arrivé, facture payée deux fois",
)
CHATTER = (
    "franchement nul {mood}",
    "je déteste cette boîte, {mood}",
    "toujours pareil avec eux {mood}",
    "nul nul nul {n}",
    "j'en ai marre, {mood}",
    "allez voir ailleurs les gens {mood}",
)
MOODS = (
    "c'est une honte", "j'en peux plus", "bravo !", "merci pour rien", "vous faites quoi ?", "lamentable", "wtf",
    "je résilie", "super pro...", "on se moque de nous", "inadmissible", "je suis furieux", "ras le bol", "pitoyable",
)  # fmt: skip
PLACES = ("Lyon", "Brest", "Nantes", "Lille", "Saint-Malo", "Metz", "Albi", "Vannes", "Tours", "Dax", "Nancy", "Pau")
SHARES = {"network": 0.5, "hotline": 0.25, "bill": 0.15, "": 0.1}
USUAL = (
    "Merci pour votre aide", "j'adore mon nouveau forfait", "Bonjour, comment changer de forfait ?",
    "question sur mon abonnement", "le réseau est correct ici", "ma facture est bien arrivée",
    "boutique sympa à {place}",
    "quel téléphone me conseillez-vous ?", "Nordalia sponsorise le festival", "forfait pas cher et ça marche",
)  # fmt: skip


def three_themes(n: int = 400, seed: int = 7, minutes: int = 60, at_minute: float = 0.0) -> list[tuple[str, Mention]]:
    """`n` negatives in the order of time, each with "network", "hotline", "bill" or "" for chatter."""
    rng = random.Random(seed)
    made = []
    texts = {"network": NETWORK, "hotline": HOTLINE, "bill": BILL, "": CHATTER}
    for i in range(n):
        theme = rng.choices(list(SHARES), list(SHARES.values()))[0]
        text = _filled(rng, rng.choice(texts[theme]))
        at_ms = START_MS + round((at_minute + minutes * i / n) * MINUTE_MS)
        source = rng.choice(("x", "x", "facebook", "reddit"))
        made.append((theme, Mention(f"s{seed}-{i}", source, "comment", text, at_ms, "Nordalia", "fr", f"u{i}")))
    return made


def usual_texts(n: int = 60, seed: int = 3) -> list[str]:
    """What is said of the brand on ordinary days."""
    rng = random.Random(seed)
    return [_filled(rng, rng.choice(USUAL)) for _ in range(n)]


def _filled(rng: random.Random, form: str) -> str:
    text = form.format(place=rng.choice(PLACES), mood=rng.choice(MOODS), n=rng.randrange(2, 60))
    if rng.random() < 0.3:
        text = text.lower()
    if rng.random() < 0.2:
        text = text.replace("é", "e").replace("à", "a")
    return f"@nordalia {text}" if rng.random() < 0.4 else text
