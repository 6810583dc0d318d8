"""Reports for people who decide: the situation report during an incident, the post-incident report (RETEX) after it."""
