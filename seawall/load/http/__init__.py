"""An HTTP/1.1 client for thousands of users in one process.

`client` is what users see, `connection` moves bytes over gevent's loop, `answer` finds the end of an answer, `response`
holds it, `cookies` keeps a user's cookies.
"""
