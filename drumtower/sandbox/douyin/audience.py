"""Who follows an account: people by gender, age and so on, told once there are more than 100."""

from drumtower.sandbox.douyin.state import State
from drumtower.sandbox.douyin.wire import Call
from drumtower.sandbox.store import Record

FEWEST = 100
# In per cent of the followers; what is missing to 100 told Douyin nothing.
PARTS = {
    "gender_distributions": {"1": 38, "2": 55},
    "age_distributions": {"18-23": 20, "24-30": 41, "31-40": 25},
    "geographical_distributions": {"北京": 33, "河北": 12, "山西": 9},
    "active_days_distributions": {"0~4": 10, "5~8": 30, "9~12": 45},
    "device_distributions": {"iPhone": 35, "HUAWEI": 30},
    "interest_distributions": {"美食": 40, "旅行": 22, "文化": 15},
}


async def fans_data(state: State, call: Call) -> Record:
    """The distributions of today's followers."""
    ours = [one for one in state.store.all("_follows") if one["account"] == call.account["id"]]
    total = int(call.account["followers"]) + sum(int(one["count"]) for one in ours)
    text = state.settings()["numbers_as_strings"]
    told = {
        name: [
            {"item": item, "value": str(total * share // 100) if text else total * share // 100}
            for item, share in parts.items()
            if total > FEWEST
        ]
        for name, parts in PARTS.items()
    }
    return {"fans_data": {"all_fans_num": total, **told}}
