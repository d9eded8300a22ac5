"""The sentiment of Korean reviews, by a lexicon of stems.

No maintained package brings one that installs without fetching a model, so the stems are our own: those that reviews of
goods use, with their weights on VADER's scale from -4 to 4. Korean verbs and adjectives change behind their stem, so a
stem is looked for within words; a negation before it (안, 못) or behind it (지 않, 지 못, 지 마) turns it round.
"""

from __future__ import annotations

import re

_STEMS = {
    "좋": 2.5, "훌륭": 3.0, "최고": 3.2, "만족": 2.5, "예쁘": 2.2, "예뻐": 2.2, "편하": 1.8, "편해": 1.8, "편리": 1.8,
    "빠르": 1.3, "빨라": 1.3, "빨리": 1.0, "추천": 2.0, "마음에 들": 2.5, "맘에 들": 2.5, "튼튼": 1.8, "가볍": 1.2,
    "꼼꼼": 1.6, "친절": 2.0, "완벽": 3.0, "저렴": 1.4, "재구매": 1.8, "또 구매": 1.8, "다시 구매": 1.8, "감사": 1.8,
    "사랑": 3.0, "행복": 2.8, "깔끔": 1.8, "귀엽": 2.0, "귀여": 2.0, "맛있": 2.5, "든든": 1.6, "신선": 1.6,
    "부드럽": 1.5,
    "나쁘": -2.5, "나빠": -2.5, "최악": -3.5, "실망": -2.6, "고장": -2.2, "불량": -2.5, "별로": -2.0, "불편": -1.9,
    "불쾌": -2.5, "불만": -2.2, "느리": -1.3, "느려": -1.3, "늦": -1.3, "비싸": -1.3, "비싼": -1.3, "찢": -1.8,
    "깨져": -2.0, "깨진": -2.0, "부서": -2.0, "냄새": -1.5, "환불": -1.8, "반품": -1.8, "아쉽": -1.2, "아쉬": -1.2,
    "싫": -2.5, "쓰레기": -3.2, "짜증": -2.6, "후회": -2.3, "엉망": -2.6, "속았": -2.6, "심하": -1.0, "심해": -1.0,
    "불친절": -2.4, "위험": -2.0, "지저분": -1.8, "무겁": -1.0, "시끄럽": -1.6, "낭비": -2.2, "맛없": -2.4,
    "흠집": -1.6,
}  # fmt: skip
_STRONGER = {"정말": 1.25, "너무": 1.25, "아주": 1.3, "매우": 1.3, "진짜": 1.2, "완전": 1.25, "조금": 0.7, "좀": 0.7}
_stem = re.compile("|".join(sorted(map(re.escape, _STEMS), key=len, reverse=True)))
_before = re.compile(r"(?:^|\s)(?:안|못)\s*$")
_behind = re.compile(r"^[가-힣]{0,2}지(?:는|도|가)?\s*(?:않|못|마|말)")
_TURNED = -0.74  # as VADER does with what is negated
_FAR = 15.0
_LOOKED_BACK, _LOOKED_ON = 6, 10


def score(text: str) -> float:
    """Return the sentiment of *text* from -1 to 1, normalised as VADER's compound score; 0 says nothing."""
    total = 0.0
    for match in _stem.finditer(text):
        before, behind = text[max(0, match.start() - _LOOKED_BACK) : match.start()], text[match.end() :]
        weight = _STEMS[match.group()]
        for word, factor in _STRONGER.items():
            if word in before:
                weight *= factor
        if _before.search(before) or _behind.search(behind[:_LOOKED_ON]):
            weight *= _TURNED
        total += weight
    return float(total / (total * total + _FAR) ** 0.5)
