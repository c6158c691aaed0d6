-- revision: 882a637ec342
-- down_revision: 4957533a9ab9
-- message: add_card_completion_is_positive
-- create_date: 2025-01-17 12:00:00+00
--
-- Whether the user found that the card did him good; NULL where nobody asked,
-- as for all that was completed before. Some databases got this column by hand;
-- they are stamped with this revision.

-- cmig:upgrade
ALTER TABLE card_completion ADD COLUMN is_positive boolean;

-- cmig:downgrade
ALTER TABLE card_completion DROP COLUMN is_positive;
