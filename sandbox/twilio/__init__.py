"""Twilio as an account sees it: the Messages API, status callbacks, and the phones on the other end."""
