"""Tables, figures and the report: they only arrange what other stages computed."""
