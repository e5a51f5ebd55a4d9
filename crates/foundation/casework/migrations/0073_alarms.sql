-- Who marked the latest alarm about something as seen, and all alarms of a case.
CREATE INDEX alarms_by_subject ON alarms (subject, kind, raised_at);
