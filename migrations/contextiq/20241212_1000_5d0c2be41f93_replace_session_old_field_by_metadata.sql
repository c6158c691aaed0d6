-- revision: 5d0c2be41f93
-- down_revision: abc123def456
-- message: replace session old field by metadata
-- create_date: 2024-12-12 10:00:00+00
--
-- The values of old_field move into metadata, from where the way down brings
-- them back: a dropped column alone is lost for good.

-- cmig:upgrade
ALTER TABLE sessions ADD COLUMN metadata json;

UPDATE sessions
SET metadata = json_build_object('old_field', old_field)
WHERE old_field IS NOT NULL;

ALTER TABLE sessions DROP COLUMN old_field;

-- cmig:downgrade
ALTER TABLE sessions ADD COLUMN old_field varchar(100);

UPDATE sessions
SET old_field = metadata ->> 'old_field'
WHERE metadata IS NOT NULL;

ALTER TABLE sessions DROP COLUMN metadata;
