"""The other side, for trying and testing: Slack, Twilio and a mailbox as seen through their wire protocols."""
