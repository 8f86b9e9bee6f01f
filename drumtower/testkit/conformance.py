'''The conformance suite: subclass it, name adapter and sandbox, and inherit all that the mixins promise.

    from drumtower.testkit.conformance import AdapterConformance

    class TestWeibo(AdapterConformance):
        adapter = WeiboAdapter           # its mixins and capabilities decide what is tested
        sandbox = WeiboSandbox           # a SandboxPlatform; its store says what really happened
        errors = ERRORS                  # the adapter's table: code -> ErrorRule
        publish_path = "statuses/share"  # part of the path of the one call that must not be repeated blindly

        def error(self, code: str, said: str = "") -> Fault:
            """The code in the platform's own envelope."""
            return Fault(status=400, body=json.dumps({"error_code": int(code), "error": said}))

Needs pytest-asyncio in auto mode. Every test runs the adapter over real HTTP against a fresh sandbox with one
account (`sandbox.add_account(**account_options)`; the credentials are its answer without "id"). A fault that
did not fire fails the test. What an adapter has no mixin for is skipped, and the skip says so.

Hooks, all optional unless marked; `conformance_stage.Hooks` has the signatures:

adapter, sandbox, errors, publish_path, error()   required
account_options = {}            handed to `sandbox.add_account`
links = (), tail = ""           links of every message, and the text that they make (`"\\nhttps://…"`)
message(text, title=, media=)   a Message that the platform takes; by default with the images it requires
media(content_type, size)       bytes that pass for that type
published(sandbox)              what is public now; by default the store's "posts" that are not deleted
marked(post)                    native_disclosures: what the platform's own fields of a post disclose
own_server = False              an account is on a server of its own: its id must carry that server's address
names_posts = True              the platform gives what is published an id
outcomes = {}                   code -> Published | Accepted, for codes that are no failure on publish
proven_statuses = {}            status -> failure class, where the bare HTTP status proves something
statuses = range(400, 600)      the statuses that are played
lost = LOST                     answers that prove nothing, as faults
speaking(sandbox, http, base_url), nobody(stage)   the adapter on the sandbox, and where nothing answers
reply_path, message_path        Replier, Messenger: as publish_path
message_context = {}            Messenger: the context of a ReplyRequest to a message
prepared(sandbox)               Discarder: what a preparation has left on the platform, as records of the store
deleting_options = None         Deleter: account options with which deleting is allowed
stats_unknown(post_id)          StatsSource: a Fault whose answer leaves the numbers out
webhook(credentials, at, text=, body=)   WebhookReceiver: a push signed at `at`; `body` replaces its inside
challenge(credentials, at, echo)         WebhookReceiver: the address check, signed at `at`
signature_parameter = "signature", signed_parameters = ("timestamp", "nonce")   in query or headers
challenge_parameter = ""        the address check's signature, where it has another name
echoes = (…), echoed(credentials, echo)  what `challenge` may say, and the body and content type that answer it
challenge_is_signed = True      False: anybody may ask
body_is_signed = False          and signed_places(body): where a changed byte of a body must be noticed
names_account = True            a push names the account that it is for
signs_time = True               a push is dated, and an old one is refused
tells_words = True              pushes carry what people say; else account events only
has_challenge = True            the platform checks our address; else every check is refused
malformed = ()                  more bodies that are no push (XML bombs, …)

Where a person publishes, there is no wire to speak of: subclass `conformance_by_hand.ByHandConformance` instead.

The control plane is used as documented: control/public/comment, like, share, read, save, follow, message.
'''

from drumtower.testkit.conformance_audience import AudienceRules
from drumtower.testkit.conformance_cleaning import CleaningRules
from drumtower.testkit.conformance_declaration import DeclarationRules, IdentityRules
from drumtower.testkit.conformance_errors import ErrorRules, SecrecyRules
from drumtower.testkit.conformance_feedback import FeedbackRules, StatsRules
from drumtower.testkit.conformance_follow_ups import FollowUpRules
from drumtower.testkit.conformance_lost import CrashRules, LostAnswerRules
from drumtower.testkit.conformance_publishing import LimitRules, PublishingRules
from drumtower.testkit.conformance_replies import DeletingRules, ReplyRules
from drumtower.testkit.conformance_stage import Hooks, Stage
from drumtower.testkit.conformance_webhooks import WebhookRules

__all__ = ["AdapterConformance", "Hooks", "Stage"]


class AdapterConformance(
    DeclarationRules,
    IdentityRules,
    PublishingRules,
    LimitRules,
    LostAnswerRules,
    CrashRules,
    ErrorRules,
    SecrecyRules,
    StatsRules,
    AudienceRules,
    FeedbackRules,
    ReplyRules,
    FollowUpRules,
    DeletingRules,
    CleaningRules,
    WebhookRules,
):
    """Everything an adapter promises by its mixins and its declared data."""
