"""What the words for audiences are called in zh-CN and in en."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from drumtower.domain.audiences import Age, Gender, Goal, Interest, Market, MatrixRole, Region, Tongue
from drumtower.domain.capabilities import Label
from drumtower.domain.content import Kind

_WORDS: tuple[tuple[StrEnum, str, str], ...] = (
    (Age.UNDER_18, "18 岁以下", "Under 18"),
    (Age.A18_24, "18–24 岁", "18 to 24"),
    (Age.A25_34, "25–34 岁", "25 to 34"),
    (Age.A35_44, "35–44 岁", "35 to 44"),
    (Age.A45_54, "45–54 岁", "45 to 54"),
    (Age.OVER_54, "55 岁及以上", "55 and over"),
    (Gender.FEMALE, "女性", "Women"),
    (Gender.MALE, "男性", "Men"),
    (Region.CN_LARGE_CITIES, "一二线城市", "Large cities of China"),
    (Region.CN_SMALLER_CITIES, "三线及以下城市", "Smaller cities of China"),
    (Region.HK_MO_TW, "港澳台", "Hong Kong, Macao, Taiwan"),
    (Region.ASIA, "亚洲其他地区", "Elsewhere in Asia"),
    (Region.EUROPE, "欧洲", "Europe"),
    (Region.NORTH_AMERICA, "北美", "North America"),
    (Region.LATIN_AMERICA, "拉丁美洲", "Latin America"),
    (Region.MIDDLE_EAST_AFRICA, "中东与非洲", "Middle East and Africa"),
    (Interest.ANIMATION, "动漫", "Animation"),
    (Interest.BEAUTY, "美妆护肤", "Beauty"),
    (Interest.BUSINESS, "商业", "Business"),
    (Interest.CAREERS, "职场", "Careers"),
    (Interest.CARS, "汽车", "Cars"),
    (Interest.CULTURE, "文化", "Culture"),
    (Interest.EDUCATION, "教育", "Education"),
    (Interest.FASHION, "时尚穿搭", "Fashion"),
    (Interest.FINANCE, "财经", "Finance"),
    (Interest.FOOD, "美食", "Food"),
    (Interest.GAMES, "游戏", "Games"),
    (Interest.HEALTH, "健康", "Health"),
    (Interest.HOME, "家居", "Home"),
    (Interest.INDUSTRY, "工业制造", "Industry"),
    (Interest.LOCAL_LIFE, "本地生活", "Local life"),
    (Interest.MUSIC_FILM, "音乐影视", "Music and film"),
    (Interest.NEWS, "新闻热点", "News"),
    (Interest.PARENTING, "母婴育儿", "Parenting"),
    (Interest.PETS, "宠物", "Pets"),
    (Interest.PUBLIC_AFFAIRS, "公共事务", "Public affairs"),
    (Interest.SCIENCE, "科学", "Science"),
    (Interest.SOFTWARE, "软件开发", "Software"),
    (Interest.SPORTS, "运动健身", "Sports"),
    (Interest.TECHNOLOGY, "科技数码", "Technology"),
    (Interest.TRAVEL, "旅行", "Travel"),
    (Market.B2B, "面向企业", "Businesses"),
    (Market.B2C, "面向消费者", "Consumers"),
    (Tongue.ZH, "中文", "Chinese"),
    (Tongue.EN, "英语", "English"),
    (Tongue.JA, "日语", "Japanese"),
    (Tongue.KO, "韩语", "Korean"),
    (Tongue.DE, "德语", "German"),
    (Tongue.FR, "法语", "French"),
    (Tongue.ES, "西班牙语", "Spanish"),
    (Tongue.PT, "葡萄牙语", "Portuguese"),
    (Goal.AWARENESS, "品牌曝光", "Awareness"),
    (Goal.ENGAGEMENT, "互动", "Engagement"),
    (Goal.CONVERSION, "转化", "Conversion"),
    (Goal.SERVICE, "客户服务", "Service"),
    (Goal.RECRUITING, "招聘", "Recruiting"),
    (Goal.LOYALTY, "客户忠诚", "Loyalty"),
    (Goal.AUTHORITY, "专业权威", "Authority"),
    (MatrixRole.CORE, "主阵地", "core"),
    (MatrixRole.TRAFFIC, "导流", "traffic"),
    (MatrixRole.SERVICE, "服务", "service"),
    (MatrixRole.ARCHIVE, "沉淀", "archive"),
    (MatrixRole.WATCH, "观察", "watch"),
    (Kind.IMAGE_TEXT, "图文", "Pictures and text"),
    (Kind.ARTICLE, "文章", "Article"),
    (Kind.VIDEO, "视频", "Video"),
    (Kind.AUDIO, "音频", "Audio"),
    (Kind.LIVE, "直播", "Live"),
    (Kind.QUESTION, "问答", "Question"),
)
# The same word in two enums (a goal and a role are called service) is not the same thing.
_NAMES = {(type(value), value): Label(zh_cn=zh_cn, en=en) for value, zh_cn, en in _WORDS}
TRAIT_NAMES: Mapping[str, Label] = {
    "ages": Label(zh_cn="年龄", en="Age"),
    "genders": Label(zh_cn="性别", en="Gender"),
    "regions": Label(zh_cn="地区", en="Region"),
    "interests": Label(zh_cn="兴趣", en="Interests"),
    "markets": Label(zh_cn="客户类型", en="Market"),
    "languages": Label(zh_cn="语言", en="Language"),
    "goals": Label(zh_cn="目标", en="Goals"),
    "content_kinds": Label(zh_cn="内容形式", en="Content kinds"),
}


def label(value: StrEnum) -> Label:
    """Return a value's name."""
    return _NAMES[type(value), value]


def named(values: Iterable[StrEnum]) -> Label:
    """Return the names of several, joined as each language joins them."""
    found = [label(value) for value in values]
    return Label(zh_cn="、".join(one.zh_cn for one in found), en=", ".join(one.en for one in found))
