"""What pages and cards share: graphs as drawings."""
