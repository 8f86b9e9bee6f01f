"""What a Bluesky server does with records and files."""

import time
from typing import Any

from tests.adapters.bluesky_samples import REFUSED, TAKEN, pictures
from tests.adapters.bluesky_stage import ABSENT_CID, PNG, POST, Caller, ContractStage, key, post, refusal


class RecordContract(ContractStage):
    """com.atproto.repo.*: records."""

    async def test_a_record_has_the_content_id_of_its_content(self, caller: Caller) -> None:
        rkey = key()
        answer = (await caller.put(rkey, post())).json()
        assert answer["uri"] == f"at://{caller.account.did}/{POST}/{rkey}"
        assert answer["cid"] == "bafyreigq3exe2m23sojzoachuyucow4vu7eyatati4uy6scr4ixt6xwlhi"
        assert answer["validationStatus"] == "valid"
        assert set(answer["commit"]) == {"cid", "rev"}

    async def test_the_same_record_again_changes_nothing(self, caller: Caller) -> None:
        rkey = key()
        first = (await caller.put(rkey, post(), swapRecord=None)).json()
        for more in ({}, {"swapRecord": None}, {"swapRecord": first["cid"]}):
            again = await caller.put(rkey, post(), **more)
            assert again.status_code == 200
            assert (again.json()["uri"], again.json()["cid"]) == (first["uri"], first["cid"])
            assert "commit" not in again.json()

    async def test_another_record_under_the_key(self, caller: Caller) -> None:
        rkey = key()
        first = (await caller.put(rkey, post())).json()["cid"]
        for swap in (None, ABSENT_CID):
            refused = await caller.put(rkey, post("other"), swapRecord=swap)
            assert refusal(refused) == (400, "InvalidSwap")
            assert refused.json()["message"] == f"Record was at {first}"
        assert (await caller.record(rkey)).json()["cid"] == first
        edited = await caller.put(rkey, post("other"), swapRecord=first)
        assert edited.json()["cid"] != first
        assert (await caller.put(rkey, post("third"))).json()["cid"] != edited.json()["cid"]

    async def test_expecting_a_record_where_there_is_none(self, caller: Caller) -> None:
        refused = await caller.put(key(), post(), swapRecord=ABSENT_CID)
        assert refusal(refused) == (400, "InvalidSwap")
        assert refused.json()["message"] == "Record was at null"
        assert refusal(await caller.put(key(), post(), swapRecord="zzz")) == (400, "InvalidRequest")

    async def test_records_that_are_taken(self, caller: Caller) -> None:
        for name, record in TAKEN.items():
            answer = await caller.put(key(), record)
            assert answer.status_code == 200, (name, answer.text)

    async def test_records_that_are_refused(self, caller: Caller) -> None:
        rkey = key()
        for name, (record, said) in REFUSED.items():
            answer = await caller.put(rkey, record)
            assert refusal(answer) == (400, "InvalidRequest"), name
            assert said in answer.json()["message"], name
        assert refusal(await caller.record(rkey)) == (400, "RecordNotFound")

    async def test_keys_must_be_timestamps(self, caller: Caller) -> None:
        for rkey in ("abc", "3ke6kg3wk222", "zke6kg3wk2222", "3KE6KG3WK2222", "a/b", "..", ""):
            assert refusal(await caller.put(rkey, post())) == (400, "InvalidRequest"), rkey
        assert refusal(await caller.put(key(), post(), collection="x")) == (400, "InvalidRequest")
        assert (await caller.put("3ke6kg3wk2222", post())).status_code == 200

    async def test_other_repositories(self, caller: Caller) -> None:
        stranger = await caller.server.open(f"b{time.time_ns() % 10**12}")
        for did, expected in (
            ("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", (403, "AccountNotFound")),
            (stranger.did, (401, "AuthenticationRequired")),
        ):
            assert refusal(await caller.put(key(), post(), repo=did)) == expected
        assert (await caller.put(key(), post(), repo=caller.account.handle)).status_code == 200
        caller.headers = {}
        assert refusal(await caller.put(key(), post())) == (401, "AuthMissing")

    async def test_records_that_are_none(self, caller: Caller) -> None:
        place = {"repo": caller.account.did, "collection": POST, "rkey": key()}
        method = "com.atproto.repo.putRecord"
        assert refusal(await caller.post(method, json=place)) == (400, "InvalidRequest")
        assert refusal(await caller.post(method, json={**place, "record": 5})) == (400, "InvalidRequest")
        large = await caller.post(method, json={**place, "record": post("a" * 200_000)})
        assert refusal(large) == (413, "PayloadTooLargeError")

    async def test_reading(self, caller: Caller) -> None:
        rkey = key()
        cid = (await caller.put(rkey, post())).json()["cid"]
        found = await caller.record(rkey)
        assert found.json() == {
            "uri": f"at://{caller.account.did}/{POST}/{rkey}",
            "cid": cid,
            "value": post(),
        }
        absent = await caller.record("2222222222222")
        assert refusal(absent) == (400, "RecordNotFound")
        caller.headers = {"Authorization": "Bearer nonsense"}
        assert (await caller.record(rkey)).status_code == 200

    async def test_listing(self, caller: Caller) -> None:
        keys = [key() for _ in range(3)]
        for rkey in keys:
            await caller.put(rkey, post(rkey))
        place = {"repo": caller.account.did, "collection": POST}
        first = (await caller.get("com.atproto.repo.listRecords", **place, limit="2")).json()
        assert [record["value"]["text"] for record in first["records"]] == keys[:0:-1]
        assert first["cursor"] == keys[1]
        cursor = {"cursor": first["cursor"], "limit": "2"}
        rest = (await caller.get("com.atproto.repo.listRecords", **place, **cursor)).json()
        assert [record["value"]["text"] for record in rest["records"]] == keys[:1]
        forward = (await caller.get("com.atproto.repo.listRecords", **place, reverse="true")).json()
        assert [record["value"]["text"] for record in forward["records"]] == keys
        unknown = await caller.get("com.atproto.repo.listRecords", repo="nobody.test", collection=POST)
        assert refusal(unknown) == (400, "InvalidRequest")

    async def test_deleting(self, caller: Caller) -> None:
        rkey = key()
        await caller.put(rkey, post())
        gone = await caller.delete(rkey)
        assert set(gone.json()["commit"]) == {"cid", "rev"}
        assert refusal(await caller.record(rkey)) == (400, "RecordNotFound")
        for again in (rkey, "abc"):
            answer = await caller.delete(again)
            assert (answer.status_code, answer.json()) == (200, {})

    async def test_creating_under_a_key_that_is_taken_breaks_the_server(self, caller: Caller) -> None:
        place = {"repo": caller.account.did, "collection": POST}
        method = "com.atproto.repo.createRecord"
        assert (await caller.post(method, json={**place, "record": post()})).status_code == 200
        taken = {**place, "rkey": key()}
        assert (await caller.post(method, json={**taken, "record": post()})).status_code == 200
        answer = await caller.post(method, json={**taken, "record": post("other")})
        assert refusal(answer) == (500, "InternalServerError")


class BlobContract(ContractStage):
    """com.atproto.repo.uploadBlob, and records that refer to files."""

    async def test_the_same_bytes_give_the_same_reference(self, caller: Caller) -> None:
        first, again = await caller.upload(PNG), await caller.upload(PNG)
        assert first == again
        assert first == {
            "$type": "blob",
            "ref": {"$link": first["ref"]["$link"]},
            "mimeType": "image/png",
            "size": len(PNG),
        }
        text = await caller.upload(b"hello", "text/plain")
        assert text["ref"]["$link"] == "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"

    async def test_bytes_count_for_more_than_the_header(self, caller: Caller) -> None:
        assert (await caller.upload(PNG, "image/jpeg"))["mimeType"] == "image/png"
        # What it does not recognise, it believes.
        assert (await caller.upload(b"no picture", "image/png"))["mimeType"] == "image/png"

    async def test_uploads_that_are_refused(self, caller: Caller) -> None:
        method = "com.atproto.repo.uploadBlob"
        untyped = await caller.post(method, content=PNG, headers={"Content-Type": ""})
        assert refusal(untyped) == (400, "InvalidRequest")
        nobody = Caller(server=caller.server, account=caller.account)
        unsigned = await nobody.post(method, content=PNG, headers={"Content-Type": "image/png"})
        assert refusal(unsigned) == (401, "AuthMissing")

    async def test_references_that_do_not_fit(self, caller: Caller) -> None:
        file = await caller.upload(PNG)
        expected: dict[str, tuple[dict[str, Any], str]] = {
            "unknown": ({**file, "ref": {"$link": ABSENT_CID.replace("bafyrei", "bafkrei")}}, "BlobNotFound"),
            "type": ({**file, "mimeType": "image/jpeg"}, "InvalidMimeType"),
            "size": ({**file, "size": 7}, "InvalidSize"),
            "no picture": ({**file, "mimeType": "video/mp4"}, "InvalidRequest"),
            "too large": ({**file, "size": 2_000_001}, "InvalidRequest"),
            "no link": ({**file, "ref": {"$link": "zz"}}, "InvalidRequest"),
            "old form": ({"cid": file["ref"]["$link"], "mimeType": "image/png"}, "InvalidRequest"),
        }
        for name, (reference, error) in expected.items():
            assert refusal(await caller.put(key(), pictures(reference))) == (400, error), name
        ratios = ({"width": 0, "height": 2}, {"width": 3})
        for ratio in ratios:
            answer = await caller.put(key(), pictures(file, aspectRatio=ratio))
            assert refusal(answer) == (400, "InvalidRequest")
        assert refusal(await caller.put(key(), pictures(*[file] * 5))) == (400, "InvalidRequest")
        four = await caller.put(key(), pictures(*[file] * 4, aspectRatio={"width": 2, "height": 2}))
        assert four.status_code == 200

    async def test_a_file_goes_with_its_last_record(self, caller: Caller) -> None:
        file, first, second = await caller.upload(PNG), key(), key()
        for rkey in (first, second):
            assert (await caller.put(rkey, pictures(file))).status_code == 200
        await caller.delete(first)
        assert (await caller.put(key(), pictures(file))).status_code == 200
        for record in (await self._list(caller))["records"]:
            await caller.delete(record["uri"].rpartition("/")[2])
        assert refusal(await caller.put(key(), pictures(file))) == (400, "BlobNotFound")

    async def _list(self, caller: Caller) -> dict[str, Any]:
        place = {"repo": caller.account.did, "collection": POST}
        found: dict[str, Any] = (await caller.get("com.atproto.repo.listRecords", **place)).json()
        return found
