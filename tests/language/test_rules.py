"""One case for each rule of the classifier, in both directions."""

import pytest

from drumtower.language import Analysis, analyze, analyze_many


def score(text: str) -> float:
    return analyze(text).sentiment.score


def label(text: str) -> str:
    return analyze(text).sentiment.label


def intents(text: str) -> list[str]:
    return [intent.label for intent in analyze(text).intents]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("好用", "positive"),
        ("不好用", "negative"),
        ("不太好", "negative"),
        ("不是很好", "negative"),
        ("没那么差", "positive"),
        ("没有以前好吃", "negative"),
        ("没有任何异味", "positive"),
        ("没有不好的地方", "positive"),
        ("特别喜欢", "positive"),
        ("别人用的", "neutral"),
        ("今天出差，好像差不多", "neutral"),
        ("不过敏", "positive"),
        ("This is not good at all", "negative"),
        ("not bad", "positive"),
    ],
)
def test_negation_turns_words_but_not_words_that_look_like_it(text: str, expected: str) -> None:
    assert label(text) == expected


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ("有点难吃", "难吃"),
        ("难吃", "很难吃"),
        ("很难吃", "太难吃"),
        ("难吃", "难吃死了"),
        ("难吃", "好难吃"),
        ("不太好用", "太不好用"),
    ],
)
def test_degree_scales_blame(weaker: str, stronger: str) -> None:
    assert 0 > score(weaker) > score(stronger)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("太咸了", "negative"),
        ("有点小", "negative"),
        ("不太咸", "neutral"),
        ("咸味的", "neutral"),
        ("偏硬", "negative"),
    ],
)
def test_flaws_are_blame_only_in_excess(text: str, expected: str) -> None:
    assert label(text) == expected


def test_what_follows_the_contrast_counts_more() -> None:
    assert label("外观好看，但是太重了") == "negative"
    assert label("太重了，但是外观好看") == "positive"
    assert score("外观好看，太重了") > score("外观好看，但是太重了")
    assert label("I love it but it broke") == "negative"


@pytest.mark.parametrize(
    "text",
    [
        "好用吗",
        "好不好用啊",
        "这个贵吗？",
        "会不会掉色",
        "请问可以退货吗",
        "希望越来越好",
        "建议改进一下难用的按钮",
        "Is it good?",
    ],
)
def test_questions_and_wishes_are_neutral(text: str) -> None:
    assert label(text) == "neutral"


@pytest.mark.parametrize(
    "text",
    ["怎么这么慢？", "你们到底什么时候发货？", "这种垃圾也敢卖？", "Why is it so hard to get a reply?"],
)
def test_an_accusation_in_the_form_of_a_question_is_a_complaint(text: str) -> None:
    assert label(text) == "negative"
    assert "question" not in intents(text)


def test_praise_turns_a_rhetorical_question_into_praise() -> None:
    assert label("居然这么好吃") == "positive"
    assert label("居然没有发票") == "negative"


@pytest.mark.parametrize("text", ["三天没发货", "等了四十分钟外卖才到", "打了五次电话才接通", "排队三个小时"])
def test_counted_waiting_is_blame_without_a_word_of_blame(text: str) -> None:
    assert label(text) == "negative"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[怒][怒]", "negative"),
        ("[爱你]", "positive"),
        ("😡", "negative"),
        ("👍🏽", "positive"),
        ("❤️", "positive"),
        ("🙂", "negative"),
        ("[doge]", "neutral"),
        ("好吃到哭😭😭", "positive"),
        ("没赶上😭😭", "negative"),
        (":(", "negative"),
        ("file:download", "neutral"),
    ],
)
def test_emoticons(text: str, expected: str) -> None:
    assert label(text) == expected


def test_repeating_an_emoticon_soon_adds_nothing() -> None:
    assert score("[怒]") > score("[怒]" * 2) == score("[怒]" * 50)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我要投诉，给个说法", "complaint"),
        ("建议增加夜间模式", "suggestion"),
        ("能不能增加一个夜间模式", "suggestion"),
        ("怎么激活会员", "question"),
        ("客服很贴心，点赞", "praise"),
        ("求链接", "purchase"),
        ("给我来三箱", "purchase"),
        ("兼职日结，加微信 abc12345", "spam"),
        ("Please add a dark mode", "suggestion"),
        ("Where can I buy this?", "purchase"),
        ("I want a refund, this is a scam", "complaint"),
        ("DM me on Telegram to earn $500 a day", "spam"),
    ],
)
def test_first_intent(text: str, expected: str) -> None:
    assert intents(text)[0] == expected


def test_spam_has_no_attitude_and_no_other_intent() -> None:
    verdict = analyze("兼职刷单，轻松赚钱，非常好，加微信 abc12345")
    assert verdict.sentiment.label == "neutral"
    assert [intent.label for intent in verdict.intents] == ["spam"]


def test_praise_weakens_the_cue_of_a_complaint() -> None:
    assert "complaint" not in intents("退款很快，客服很贴心，点赞")
    assert intents("退款一直没到账")[0] == "complaint"


@pytest.mark.parametrize(
    "disguise", ["質量太差", "质\u200b量\u200b太\u200b差", "质量太差\ufe0f", "質量太差！！"]
)
def test_disguises_read_the_same(disguise: str) -> None:
    assert score(disguise) == score("质量太差")


def test_full_width_letters_and_signs_read_the_same() -> None:
    assert analyze("ＢＡＤ ｓｅｒｖｉｃｅ！").sentiment == analyze("BAD service!").sentiment


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("质量很好", "zh"),
        ("Great quality", "en"),
        ("love the 红色 bag", "en"),
        ("这个UI太nice了", "zh"),
        ("👍 123", "und"),
        ("ありがとうございます", "und"),
        ("감사합니다", "und"),
        ("@小明 https://example.com/a great", "en"),
        ("", "und"),
    ],
)
def test_language(text: str, language: str) -> None:
    assert analyze(text).language == language


def test_reasons_quote_the_text_as_written() -> None:
    reasons = analyze("質量太爛，我要退款[怒]").reasons
    assert any(reason.startswith("negative:太爛(") for reason in reasons)
    assert "complaint:退款" in reasons
    assert any(reason.startswith("negative:[怒](") for reason in reasons)


def test_a_mixed_text_is_read_by_both_rules() -> None:
    assert label("APP又更新了，I really hate this terrible update") == "negative"


def test_every_opinion_has_a_reason() -> None:
    for text in ("差", "great", "👍", "三天没发货"):
        assert analyze(text).reasons


def test_many_is_one_by_one() -> None:
    texts = ["好", "bad", "", "[怒]"]
    verdicts: list[Analysis] = analyze_many(texts)
    assert verdicts == [analyze(text) for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "贷款买的车，三天坏了两次",
        "我的订单异常，一直没人处理",
        "Your WhatsApp support is useless",
        "要3个小时才能到，太慢了",
    ],
)
def test_a_word_customers_share_with_spammers_silences_nothing(text: str) -> None:
    assert label(text) == "negative"
    assert intents(text)[0] == "complaint"


def test_an_address_or_number_alone_is_no_spam() -> None:
    assert intents("https://example.com/item/1 这款有货吗？")[0] in ("question", "purchase")
    assert intents("请问怎么退款，我的电话13800138000")[0] != "spam"
