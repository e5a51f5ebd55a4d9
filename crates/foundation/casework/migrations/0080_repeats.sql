-- Plain digests over surface, account and file. They would have been deleted within a day; a request that is
-- repeated across this upgrade is carried out again.
DELETE FROM repeats;
