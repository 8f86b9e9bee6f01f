"""What the demo's brand writes, what its readers say, and what its agent answers."""

import secrets

TITLE = "秋茶上新：一杯慢下来的午后"
BODY = "立冬之后，第一批秋茶到店了。产自海拔 800 米的老茶园，手工采摘，全网最低价！"
MENDED = "立冬之后，第一批秋茶到店了。产自海拔 800 米的老茶园，手工采摘，适合办公室里慢慢喝。🍵"

# Platforms refuse what they have seen before, so no two demos say quite the same.
OPENINGS = (
    "立冬之后，第一批秋茶到店了",
    "老茶园的秋茶，昨天夜里运到",
    "等了一个夏天，新茶终于开袋",
    "今天的下午茶换成了高山秋茶",
    "采茶师傅说，这一季的叶子最厚",
    "窗外起风的时候，适合泡一壶新茶",
)
MIDDLES = (
    "手工采摘，一芽两叶，晒足三个晴天",
    "海拔 800 米，云雾多，回甘来得慢一些",
    "不赶时间地做，也请不赶时间地喝",
    "第一泡花香，第三泡是熟果子的甜",
    "小包装刚好放进抽屉，开会前泡一杯",
)
ENDINGS = (
    "这一季的茶都在这里 🍵 →",
    "想看看茶园的样子，点这里 →",
    "到店试饮的朋友说停不下来 →",
    "慢慢喝，别着急 🍵 →",
)

WECHAT = """立冬之后，第一批秋茶到店了。

今年的秋茶来自海拔 800 米的老茶园。我们跟着茶农走了三天，看他们怎样采、怎样晒、怎样等。

慢，是这批茶最贵的原料。"""
BLUESKY = "The first autumn tea is in: hand-picked on an old terrace at 800 m. 秋茶到店了 🍵"


def weibo() -> str:
    """Return a text for Weibo that has not been said yet, most likely."""
    picked = [secrets.choice(OPENINGS), *secrets.SystemRandom().sample(MIDDLES, 2), secrets.choice(ENDINGS)]
    return "。".join(picked)


PRAISE = ("小满", "包装很用心，茶也特别香，已经回购第三次了！")
COMPLAINT = ("阿哲", "等了五天还没发货，客服也不理人，太失望了")
QUESTION = ("Lin", "请问这款茶有小包装吗？多少钱？")
ENGLISH = ("Maya", "Absolutely love this tea, the best I have had this year!")
MESSAGE = ("oReader", "你好，我的订单什么时候能到？")

ANSWERS = {
    PRAISE[1]: "谢谢小满！第三次回购，我们记住您啦，下一批留一份试饮给您。",
    COMPLAINT[1]: "阿哲您好，让您久等了，很抱歉。请私信订单号，我们今天内给您答复。",
    QUESTION[1]: "有的，50 克小包装，链接在主页；有问题随时问我们。",
    ENGLISH[1]: "Thank you, Maya! That made our whole team smile.",
    MESSAGE[1]: "您好！订单今天已发出，明后天就能到，单号已发到您的手机。",
}
