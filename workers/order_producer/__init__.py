"""The order producer: picks users by their propensity to buy, and has them order through the API.

`picks` asks cache or database whom to pick, `orders` sends, `producer` keeps the schedule and the journal.
"""
