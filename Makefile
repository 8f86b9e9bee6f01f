# Aliases only: everything is in dev.py, which needs no make.
.PHONY: up test check demo faults lock fmt
up test check demo faults lock fmt:
	@python3 dev.py $@
