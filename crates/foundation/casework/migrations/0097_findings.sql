-- Statistics count where cases came from by the day of their first finding.
CREATE INDEX findings_first ON findings (found_at) WHERE seq = 1;
