"""What an adapter's author tests with: a real HTTP server in the test's own loop, and the conformance suite.

Import from the modules: `drumtower.testkit.serving` needs no pytest, `drumtower.testkit.conformance` does.
"""
