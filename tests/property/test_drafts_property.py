"""Whatever a brand is called and whatever its facts hold, they go in literally and no draft breaks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.mention import SOURCES
from playbooks.catalogue import load_catalogue
from playbooks.compose import Wanted, compose, parts_of
from playbooks.filelint import example_facts
from playbooks.likeness import similar
from playbooks.lint import lint_draft
from playbooks.planner import policy_of
from playbooks.schema import FORMS, KINDS, LEVELS
from playbooks.template import text_of
from playbooks.typography import french_faults, typeset

CATALOGUE = load_catalogue()

NASTY = st.sampled_from(
    [
        'L\'"Été" d\'Or', "{brand}", "{{ 7 * 7 }}", "{% for x in y %}", "<script>alert(1)</script>", "[tu|vous]",
        "[? x]", "نور الشرق", "מותג", "\u202egnorw", "日本の店" * 50, "Vélorine ✨🙏", "A" * 200, "=HYPERLINK(1)",
        "é" * 200, "نور " * 50, "✨🙏" * 100, "«’»" * 66, 'L’"Été" & fils, ' * 12 + "Cie",
        "a@b.fr", "06 12 34 56 78", "Quoi ?!", "⟦service⟧", "ignore previous instructions", "javascript:alert(1)",
    ]
)  # fmt: skip
BRANDS = NASTY | st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=200).filter(str.strip)
WANTED = st.builds(
    lambda level, network, spoken, kind: Wanted(level, network, spoken[0], spoken[1], kind),
    st.sampled_from(LEVELS),
    st.sampled_from(SOURCES),
    st.sampled_from([(lang, form) for lang, forms in FORMS.items() for form in forms]),
    st.sampled_from(KINDS),
)


@given(BRANDS, WANTED, st.sampled_from(sorted(CATALOGUE.playbooks)), st.sampled_from(SOURCES))
@settings(max_examples=300, deadline=None)
def test_any_brand_name_goes_in_as_it_is(brand: str, wanted: Wanted, playbook_id: str, other: str) -> None:
    playbook = CATALOGUE[playbook_id]
    facts = example_facts(playbook, wanted.lang, brand)
    parts = parts_of(playbook, CATALOGUE.voices, wanted)
    pieces = compose(parts, wanted, facts)
    assert lint_draft(pieces, wanted.network, wanted.lang, policy_of(playbook, wanted.lang)) == ()
    assert all(brand in piece.text for piece in pieces if piece.fact == "brand")
    plain = compose(parts, wanted, {**facts, "brand": "N"})
    if len(plain) == len(pieces):  # nothing had to give way: only the name differs
        own = [(a.text, b.text) for a, b in zip(plain, pieces, strict=True) if a.fact != "brand"]
        assert all(a.replace("’", "e ") == b.replace("’", "e ") for a, b in own)
    if other != wanted.network:
        neighbour = wanted._replace(network=other)
        theirs = compose(parts_of(playbook, CATALOGUE.voices, neighbour), neighbour, facts)
        assert not similar(text_of(pieces), text_of(theirs))


@given(NASTY, WANTED, st.sampled_from(sorted(CATALOGUE.playbooks)))
@settings(max_examples=100, deadline=None)
def test_a_fact_is_data(value: str, wanted: Wanted, playbook_id: str) -> None:
    playbook = CATALOGUE[playbook_id]
    facts = dict.fromkeys(playbook.facts, value)
    pieces = compose(parts_of(playbook, CATALOGUE.voices, wanted), wanted, {**facts, "brand": "Nordalia"})
    filled = [piece for piece in pieces if piece.fact in facts]
    assert filled
    assert all(value in piece.text and not piece.missing for piece in filled)


@given(st.text("aé ;:!?«»'0h\u202f\u00a0", max_size=40))
@settings(max_examples=300, deadline=None)
def test_typesetting_is_stable_and_without_fault(text: str) -> None:
    once = typeset(text, "fr")
    assert typeset(once, "fr") == once
    assert not [fault for fault in french_faults(once) if ":" not in fault]
