"""Which nature a text looks like: a suggestion with its signs; a person decides."""

from dataclasses import dataclass

import regex

from drumtower.domain.content import Nature, Texts

# Any two of them together, or one link to a shop, make an advertisement likely.
_SIGNS: dict[str, regex.Pattern[str]] = {
    "price": regex.compile(
        r"[¥￥$€]\s?\d[\d.,]{0,9}|\d[\d.]{0,9}\s?(?:元|块钱|RMB|CNY|USD)|(?:到手|券后|特惠|促销|活动)价"
    ),
    "coupon": regex.compile(
        r"优惠券|代金券|红包|满减|满\d{1,6}减\d{1,6}|立减|折扣|[1-9一二三四五六七八九](?:\.\d)?折|秒杀|拼团|包邮|买\S赠|(?i:\b(?:coupon|promo code|\d{1,2}% off|discount)\b)"
    ),
    "call": regex.compile(
        r"下单|抢购|立即购买|点击购买|马上抢|加购|预订|预约试驾|报名链接|购物车|小黄车|橱窗|私信购买|直播间(?:下单|等你|购)|(?i:\b(?:buy now|order now|shop now|add to cart)\b)"
    ),
}
_SHOP = regex.compile(
    r"(?i:https?://(?:[\w-]{1,63}\.){0,4}(?:taobao|tmall|jd|pinduoduo|yangkeduo|youzan|weidian|vip|suning|dangdang|shopify|amazon|etsy)\.[a-z.]{2,6}"
    r"|https?://shop\.|/(?:product|cart|checkout|item)s?/)"
)
_PUBLIC = regex.compile(
    r"公益|献血|志愿者|防溺水|反诈|防诈骗|寻人启事|捐赠|义卖|防汛|森林防火|垃圾分类|控烟|急救知识|(?i:\bpublic service\b)"
)
ENOUGH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What makes one think so: where it stands and what it is."""

    kind: str
    pointer: str
    quote: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """The nature it looks like. None: nothing speaks for any."""

    nature: Nature | None
    signs: tuple[Sign, ...]


def suggest(texts: Texts) -> Suggestion:
    """Return what the texts (title, body, links) look like, by prices, coupons, calls to buy and links to shops."""
    signs = [sign for kind, pattern in _SIGNS.items() if (sign := _first(kind, pattern, texts))]
    shop = _first("shop_link", _SHOP, texts)
    if shop is not None or len(signs) >= ENOUGH:
        return Suggestion(nature=Nature.PROMOTIONAL, signs=(*signs, *([shop] if shop else [])))
    public = _first("public_service", _PUBLIC, texts)
    if public is not None and not signs:
        return Suggestion(nature=Nature.PUBLIC_SERVICE, signs=(public,))
    return Suggestion(nature=None, signs=tuple(signs))


def _first(kind: str, pattern: regex.Pattern[str], texts: Texts) -> Sign | None:
    for pointer, text in texts:
        if match := pattern.search(text):
            return Sign(kind=kind, pointer=pointer, quote=match.group(), start=match.start(), end=match.end())
    return None
