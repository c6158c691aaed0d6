-- revision: e9d35a6c70b1
-- down_revision: 7be2d9f0416c
-- message: migrate session status
-- create_date: 2024-12-13 09:00:00+00
--
-- old_status becomes new_status; other statuses stay as they are. The default
-- goes along, or the next INSERT would bring old_status back. The code before
-- this revision does not know new_status, so the way down turns all of them back,
-- those written since included.

-- cmig:upgrade
UPDATE sessions SET status = 'new_status' WHERE status = 'old_status';
ALTER TABLE sessions ALTER COLUMN status SET DEFAULT 'new_status';

-- cmig:downgrade
UPDATE sessions SET status = 'old_status' WHERE status = 'new_status';
ALTER TABLE sessions ALTER COLUMN status SET DEFAULT 'old_status';

-- cmig:verify
SELECT NOT EXISTS (SELECT FROM sessions WHERE status = 'old_status');
