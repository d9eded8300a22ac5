"""`stream`: what the log is for, a scenario each."""

from __future__ import annotations

EXAMPLES = """[bold]Examples[/]

  bin/seawall stream                     the list of scenarios
  bin/seawall stream ingest              a burst of 3,000 writes a second, by each path: about two minutes
  bin/seawall stream cache               the same orders without a cache and with it: about eight minutes
  bin/seawall stream analytics           live figures by a consumer of the log and by queries: about three minutes
  bin/seawall stream fanout              the same records for up to eight groups: about four minutes
  bin/seawall stream live                2,000 subscribers, by the log and by asking the database: about three minutes
  bin/seawall stream csv people.csv      a file into the database, directly and through the log
  bin/seawall stream reviews             a slow model judges reviews, in batches and one by one: about two minutes
  bin/seawall stream spark --quick       a Spark job on the log, killed once; Spark is an extra
  bin/seawall stream ingest --help       its options, with examples

A scenario does by the log what can be done by the database alone as well, and measures both: docs/scenarios.md holds
each claim, how it is measured, and the answer that was found.

Exit codes: 0 the question is answered and nothing is lost, 1 something was lost, doubled or left pending, 2 wrong
usage or set-up, 3 not proven, 4 the instrument was late, 130 interrupted (what was measured is written)."""
