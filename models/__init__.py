"""What is stored: tables, and the statements over them. Imports nothing of ours."""
