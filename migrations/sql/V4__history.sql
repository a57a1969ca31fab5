-- Lists of failed requests look for the few that failed among the many that did not, and a list may
-- pass over thousands of rows: they must not all be fetched for that. The other filters need no index
-- of their own: the list stops looking after a fixed number of rows.
CREATE INDEX compute_completed_failed ON compute_completed (request_id) WHERE status = 'failed';
