"""The emoji that mean something on a ticket's card, whether an agent puts them there or we do."""

from channels.base import Sign

SIGNS = {"eyes": Sign.TAKEN, "white_check_mark": Sign.CLOSED, "exclamation": Sign.URGENT}
