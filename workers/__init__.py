"""What happens: doors, rules, tasks, and the settings and sessions they share."""
