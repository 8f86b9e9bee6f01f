"""QQ group bot QQ群机器人: answers within minutes to whoever names it; posts of its own go by hand."""
