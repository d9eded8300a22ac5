"""Advice on lookups: times to live and keys that cost hits."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.advice.evidence import Evidence, length_s
from seawall.result import Advice, AdviceKind, LookupKind, Trial

LEAST_LOOKUPS = 200
GOOD = 0.9
"""With such a hit rate nothing is to be said."""
AGAIN = 1.5
"""So many times was each row fetched, at least on average: caches had it and lost it."""
OFTEN = 10.0
"""So many lookups while an answer lives: were they of few keys, nearly all would be hits."""
MISSED = 0.5


def of_caches(found: Evidence) -> Iterator[tuple[str, Advice]]:
    """Yield what lookups suggest, with the kind of what was looked up."""
    kinds = dict.fromkeys(name for trial in found.trials if trial.lookups for name in trial.lookups.kinds)
    for name in kinds:
        trials = [trial for trial in found.trials if trial.lookups and name in trial.lookups.kinds]
        advice = _of_kind(found._replace(trials=trials), name)
        if advice is not None:
            yield name, advice


def _of_kind(found: Evidence, name: str) -> Advice | None:
    def kind(trial: Trial) -> LookupKind:
        assert trial.lookups is not None
        return trial.lookups.kinds[name]

    asked = found.median(lambda trial: kind(trial).lookups - kind(trial).anew)
    hits = found.median(lambda trial: kind(trial).hits)
    fetched = found.median(lambda trial: max(0, kind(trial).fetched - kind(trial).anew))
    lives_s, seconds = found.median(lambda trial: kind(trial).lives_s), found.median(length_s)
    there = max(kind(trial).there for trial in found.trials)
    if asked is None or hits is None or fetched is None or lives_s is None or seconds is None:
        return None
    if asked < LEAST_LOOKUPS or hits >= GOOD * asked:
        return None
    evidence = {
        "lookups": asked,
        "hit_rate": round(hits / asked, 4),
        "fetched": fetched,
        "lives_s": lives_s,
        "seconds": seconds,
    }
    says = f"Caches answered {hits / asked:.0%} of {asked:,.0f} lookups of {name} in {seconds:,.0f} s"
    if there and fetched > AGAIN * there:
        evidence["there"] = float(there)
        says += f"; the database handed out {fetched:,.0f} rows, of {there:,} that there are to be asked for"
        if lives_s < seconds:
            return found.advice(
                AdviceKind.CACHE_TTL,
                f"{says}. A cache keeps one for {lives_s:g} s at most.",
                "A longer time to live (SEAWALL_MEMORY_TTL_S, SEAWALL_CACHE_TTL_S) keeps rows that are asked for again;"
                " it is also how old an answer can be where an announcement is missed (docs/lookups.md).",
                evidence,
            )
        return found.advice(
            AdviceKind.CACHE_KEY,
            f"{says}. None had reached the end of its {lives_s:g} s.",
            "Something else than time takes them away: announcements of writes, a cache that is too small"
            " (SEAWALL_MEMORY_ENTRIES, Valkey's maxmemory), or API processes that share none.",
            evidence,
        )
    in_a_life = asked / seconds * min(lives_s, seconds)
    if not there and fetched >= MISSED * asked and in_a_life >= OFTEN:
        evidence["lookups_in_a_life"] = round(in_a_life, 1)
        return found.advice(
            AdviceKind.CACHE_KEY,
            f"{says}; {fetched:,.0f} answers were fetched anew, although {in_a_life:,.0f} lookups came while one lives"
            f" ({lives_s:g} s).",
            "These lookups ask for many different keys: see whether what they are keyed by has to differ so much.",
            evidence,
        )
    return None
