"""Short reviews in Korean and English, made of small templates: equal draws give equal texts."""

from __future__ import annotations

import random

OPINIONS = ("positive", "neutral", "negative")
_WEIGHTS = (55, 15, 30)
_KOREAN = 0.5
_ENGLISH_THINGS = ("kettle", "lamp", "backpack", "keyboard", "tent", "notebook", "umbrella", "jacket")
_KOREAN_THINGS = ("주전자", "조명", "배낭", "키보드", "텐트", "공책", "우산", "재킷")
_ENGLISH = {
    "positive": (
        "I love this {thing}, it works perfectly.",
        "Great {thing} for the price, and delivery was fast.",
        "The {thing} is beautiful and very comfortable. Happy with it!",
        "Excellent quality, I would recommend this {thing} to a friend.",
    ),
    "neutral": (
        "This is a {thing}. It came on Tuesday.",
        "I bought the {thing} for my office.",
        "The {thing} has the size that the page says.",
    ),
    "negative": (
        "The {thing} broke after two days, a terrible waste of money.",
        "Very disappointed: this {thing} is awful and arrived damaged.",
        "I hate the smell of this {thing}. Bad quality.",
        "This {thing} is useless and the support was rude.",
    ),
}
_KOREAN_SENTENCES = {
    "positive": (
        "{thing} 정말 좋아요. 배송도 빨라요.",
        "{thing} 품질이 훌륭하고 아주 만족합니다.",
        "{thing} 디자인이 예쁘고 편해요. 추천합니다!",
        "가격에 비해 {thing} 최고예요. 또 구매할게요.",
    ),
    "neutral": (
        "{thing} 화요일에 받았습니다.",
        "사무실에서 쓰려고 {thing} 샀습니다.",
        "{thing} 크기는 상세 페이지와 같습니다.",
    ),
    "negative": (
        "{thing} 이틀 만에 고장 났어요. 최악입니다.",
        "{thing} 품질이 나빠요. 너무 실망했습니다.",
        "포장이 찢어져 있고 {thing} 냄새가 심해서 불쾌해요.",
        "{thing} 별로예요. 추천하지 않아요. 환불했습니다.",
    ),
}


def review_text(rng: random.Random) -> tuple[str, str]:
    """Return what a text means to say, one of `OPINIONS`, and the text, half of them in Korean."""
    opinion = rng.choices(OPINIONS, _WEIGHTS)[0]
    sentences, things = (_KOREAN_SENTENCES, _KOREAN_THINGS) if rng.random() < _KOREAN else (_ENGLISH, _ENGLISH_THINGS)
    return opinion, rng.choice(sentences[opinion]).format(thing=rng.choice(things))
