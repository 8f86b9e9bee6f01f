"""The story, act by act. Each act uses the public API only; the public acts on the sandbox."""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image, ImageDraw

from examples.demo import texts
from examples.demo.client import Client
from examples.demo.public import Public

Json = dict[str, Any]
Say = Callable[[str], None]
PLATFORMS = ("weibo", "wechat", "bluesky")  # those that the story has words for
OVER = {"published", "failed", "missed", "cancelled", "handoff", "held"}
KPIS = (
    "exposure,likes,comments,shares,engagements,engagement_rate,follower_growth,conversion_rate,response_time"
)
# How far back figures are compared: the sandbox remembers every demo.
PERIOD = timedelta(days=90)


@dataclass(slots=True, kw_only=True)
class Story:
    """What has happened so far."""

    author: Client
    reviewer: Client
    public: dict[str, Public]
    channels: dict[str, Json]
    say: Say
    links: dict[str, Json] = field(default_factory=dict)
    post: Json = field(default_factory=dict)
    deliveries: list[Json] = field(default_factory=list)
    interactions: list[Json] = field(default_factory=list)
    answers: list[Json] = field(default_factory=list)
    kpis: list[Json] = field(default_factory=list)

    def play(self) -> None:
        """Play every act in order."""
        for act in (
            self.write,
            self.review,
            self.publish,
            self.hear,
            self.answer,
            self.convert,
            self.measure,
        ):
            act()

    def write(self) -> None:
        """A post in Chinese, a variant per channel, each with a tracked link of its own."""
        self.say("1  Write: one post, a variant for each channel")
        self.public["wechat"].set_ahead(days=0)  # an earlier demo looked ahead
        cover = self.author.upload("/v1/assets", "秋茶.png", _cover(), alt_text="一杯秋茶和窗外的老茶园")
        for platform, channel in self.channels.items():
            link = {
                "target_url": "https://shop.example.com/tea",
                "name": f"秋茶 · {platform}",
                "placement": "post",
            }
            self.links[platform] = self.author.post("/v1/links", {**link, "channel_id": channel["id"]})
        draft = {
            "title": texts.TITLE,
            "body": texts.BODY,
            "kind": "image_text",
            "nature": "editorial",
            "brand_id": next(iter(self.channels.values()))["brand_id"],
            "hashtags": ["秋茶"],
            "asset_ids": [cover["id"]],
            "variants": self._first_draft(),
        }
        self.post = self.author.post("/v1/posts", draft)
        verdict = self.author.post(f"/v1/posts/{self.post['id']}/preflight", {})
        _show_violations(verdict, self.say)
        self.post = self.author.patch(f"/v1/posts/{self.post['id']}", self._mended(), self.post["etag"])
        again = self.author.post(f"/v1/posts/{self.post['id']}/preflight", {})
        self.say(
            f"   mended, version {self.post['version']}; preflight {'passes' if again['ok'] else 'fails'}"
        )

    def _variant(self, platform: str, body: str) -> Json:
        url = self.links[platform]["short_url"]
        return {"channel_id": self.channels[platform]["id"], "body": f"{body} {url}"}

    def _first_draft(self) -> list[Json]:
        """Weibo's variant says what the brand never says; the preflight finds it."""
        words = {"weibo": texts.BODY, "wechat": texts.WECHAT, "bluesky": texts.BLUESKY}
        return [self._variant(platform, words[platform]) for platform in self.channels]

    def _mended(self) -> Json:
        words = {"weibo": texts.weibo(), "wechat": texts.WECHAT, "bluesky": texts.BLUESKY}
        variants = [self._variant(platform, words[platform]) for platform in self.channels]
        return {"body": texts.MENDED, "variants": variants}

    def review(self) -> None:
        """Submitted by the author, judged on four points by somebody else."""
        self.say("2  Review: four points, by a second person")
        address = f"/v1/posts/{self.post['id']}"
        self.author.post(f"{address}/submit", {})
        criteria = {c: {"verdict": "pass"} for c in ("accuracy", "compliance", "readability")}
        self.reviewer.post(f"{address}/reviews", {"criteria": criteria, "version": self.post["version"]})
        last = {"aesthetics": {"verdict": "pass", "note": "封面好看"}}
        self.reviewer.post(f"{address}/reviews", {"criteria": last, "version": self.post["version"]})
        self.post = self.author.get(address)
        self.say(f"   {self.post['review']['state']} (content {self.post['content_hash'][:12]}…)")

    def publish(self) -> None:
        """Scheduled to every channel for one instant, and out on time."""
        due = datetime.now(UTC) + timedelta(seconds=6)
        self.say(f"3  Publish: to {', '.join(self.channels)} at {due:%H:%M:%S} UTC")
        ask = {"channel_ids": [c["id"] for c in self.channels.values()], "at": due.isoformat()}
        address = f"/v1/posts/{self.post['id']}"
        self.author.post(f"{address}/schedule", ask | {"publish_if_late_by": "PT1H"})
        seen: dict[str, str] = {}

        def settled() -> bool:
            self.deliveries = self.author.every("/v1/deliveries", post_id=self.post["id"])
            for row in self.deliveries:
                if seen.get(row["id"]) != row["state"]:
                    seen[row["id"]] = row["state"]
                    self.say(f"   {row['platform']:<8} {row['state']}")
            return all(row["state"] in OVER for row in self.deliveries)

        _wait(settled, "the deliveries to settle")

    def hear(self) -> None:
        """The public reads, likes, follows and speaks; webhooks and pulls bring it in."""
        self.say("4  Hear: what people do and say")
        expected = 0
        for row in self.deliveries:
            if row["state"] == "published":
                expected += self._react(row["platform"], str(row["external_id"]))

        def heard() -> bool:
            everything = self.author.every("/v1/interactions")
            ours = {row["id"] for row in self.deliveries}
            self.interactions = [
                row
                for row in everything
                if row["delivery_id"] in ours or (row["kind"] == "message" and row["answered_at"] is None)
            ]
            return len(self.interactions) >= expected

        _wait(heard, f"{expected} interactions")
        for row in self.interactions:
            self.say(f"   {row['platform']:<8} {row['kind']:<8} {row['sentiment']:<8} {row['text']}")

    def _react(self, platform: str, post: str) -> int:
        public = self.public[platform]
        public.does("read", post=post, count=1200)
        public.does("like", post=post, count={"weibo": 86, "wechat": 41}.get(platform, 23))
        public.does("share", post=post, count={"weibo": 12, "wechat": 9}.get(platform, 4))
        public.does("follow", count=7)
        said = {
            "weibo": [texts.PRAISE, texts.COMPLAINT],
            "wechat": [texts.QUESTION],
            "bluesky": [texts.ENGLISH],
        }[platform]
        for name, text in said:
            author = {"id": _person(name, platform), "name": name}
            public.does("comment", post=post, author=author, text=text)
        if platform != "wechat":
            return len(said)
        name, text = texts.MESSAGE
        public.does("message", author={"id": f"{name}{int(time.time())}", "name": name}, text=text)
        return len(said) + 1

    def answer(self) -> None:
        """An agent answers everybody; the answers leave by the same engine as posts."""
        self.say("5  Answer: through the same engine as posts")
        asked = [
            self.author.post(f"/v1/interactions/{row['id']}/replies", {"text": texts.ANSWERS[row["text"]]})
            for row in self.interactions
            if row["text"] in texts.ANSWERS
        ]

        def answered() -> bool:
            self.answers = [self.author.get(f"/v1/deliveries/{row['id']}") for row in asked]
            return all(row["state"] in OVER for row in self.answers)

        _wait(answered, "the answers to be delivered")
        self.interactions = [self.author.get(f"/v1/interactions/{row['id']}") for row in self.interactions]
        self.say(f"   {sum(row['state'] == 'published' for row in self.answers)} of {len(asked)} delivered")

    def convert(self) -> None:
        """People follow the tracked links, and some of them buy."""
        self.say("6  Convert: clicks and orders")
        orders = []
        for platform, link in self.links.items():
            landings = [self.author.visit(link["short_url"]) for _ in range(5)]
            click = parse_qs(urlsplit(landings[0]).query)["dt_click"][0]
            orders.append(_order(platform, click))
        told = self.author.post("/v1/conversions", {"conversions": orders})
        again = self.author.post("/v1/conversions", {"conversions": orders})
        self.say(
            f"   {told['created']} orders told; told again: {again['duplicate']} known, {again['created']} new"
        )

    def measure(self) -> None:
        """Statistics are pulled until the figures are those of the platforms."""
        self.say("7  Measure: until our figures are the platforms'")
        # WeChat tells a day's numbers from eight in the morning of the next: two days on, it does at any hour.
        self.public["wechat"].set_ahead(days=2)
        _wait(self._is_measured, "the figures to arrive", seconds=180)

    def _is_measured(self) -> bool:
        self.kpis = self.figures(group_by="channel")
        return all(row["ours"] == row["theirs"] for row in self.comparison())

    def figures(self, **more: str) -> list[Json]:
        today = date.today() + timedelta(days=2)  # noqa: DTZ011 - generous at both ends
        span = {"from": str(today - PERIOD), "to": str(today)}
        data: list[Json] = self.author.get("/v1/metrics/kpis", metrics=KPIS, **span, **more)["data"]
        return data

    @property
    def is_whole(self) -> bool:
        """Whether every post and every answer is out."""
        return all(row["state"] == "published" for row in [*self.deliveries, *self.answers])

    def comparison(self) -> list[Json]:
        """Set our figures beside the platforms' own record, channel by channel."""
        rows = []
        for platform, channel in self.channels.items():
            ours = {row["metric"]: row for row in self.kpis if row["group"]["channel_id"] == channel["id"]}
            posts, public = self.public[platform].posts(), self.public[platform]
            for metric in ("exposure", "likes", "comments", "shares"):
                value = ours[metric]["value"]
                told = [post["reads" if metric == "exposure" else metric] for post in posts]
                theirs = None if None in told or not told else sum(told)
                rows.append({"platform": platform, "metric": metric, "ours": value, "theirs": theirs})
            followers = ours["follower_growth"]["basis"]["followers"]
            rows.append(
                {"platform": platform, "metric": "followers", "ours": followers, "theirs": public.followers()}
            )
        return rows


def _order(platform: str, click: str) -> Json:
    return {
        "external_id": f"order-{platform}-{time.time_ns()}",
        "event": "purchase",
        "click_id": click,
        "value": "128.00",
        "currency": "CNY",
        "occurred_at": datetime.now(UTC).isoformat(),
    }


def _person(name: str, platform: str) -> str:
    number = str(sum(ord(letter) for letter in name) + 2_000_000_000)
    return number if platform == "weibo" else f"{name.lower()}-{number}" if name.isascii() else f"o{number}"


def _wait(done: Callable[[], bool], what: str, seconds: float = 240) -> None:
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            raise SystemExit(f"Waited {seconds:.0f} s for {what}, in vain.")
        time.sleep(0.5)


def _cover() -> bytes:
    image = Image.new("RGB", (900, 500), "#e8dcc0")
    draw = ImageDraw.Draw(image)
    draw.ellipse((330, 180, 570, 360), fill="#7a4a21", outline="#3b2412", width=8)
    draw.text((20, 470), f"{time.time_ns()}", fill="#7a4a21")
    kept = io.BytesIO()
    image.save(kept, "PNG")
    return kept.getvalue()


def _show_violations(verdict: Json, say: Say) -> None:
    for row in verdict["data"]:
        for violation in row["violations"]:
            if violation["severity"] == "block":
                say(f"   {row['platform']:<8} {violation['code']}: {violation['detail']}")
