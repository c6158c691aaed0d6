# Copyright (c) 2026, the pg_cmig developers

# Without the extension in the database: nothing counts on what only the extension has, or
# sends a user to it, and hints say what can be typed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use Fcntl qw(:flock);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($node, $dir, $cache) = engine_project('engine_advice');

sub rows { return $node->safe_psql('shop', $_[0]); }

write_revision('001', '', '', 'CREATE TABLE account (id bigint PRIMARY KEY, gone text, note text);', 'DROP TABLE account;');
gives(0, 'at 001', '', 'upgrade', '-y');

# the engine goes on, which makes the test faster
open my $users, '>>', glob "$cache/cmig/engine-*/users" or die;
flock $users, LOCK_SH or die;

# the header expand: an upgrade is all that can run the revision
rows("INSERT INTO account SELECT i, 'x' FROM generate_series(1, 20000) i; ANALYZE account");
write_revision('002', '001', "-- expand: true\n", "ALTER TABLE account DROP gone;\nALTER TABLE account ADD first text NOT NULL;\n-- cmig:up account.first = coalesce(note, '')", 'ALTER TABLE account DROP first, ADD gone text;');
gives(5, '^$', 'HAZARD:  002: DROP COLUMN gone deletes data of account.*not confirmed: upgrade 1 revision, with \d hazards\?', 'upgrade');
gives(1, '^(?!.*prefer-expand).*002[.]sql:6: error: DROP COLUMN gone', '^$', 'lint');
gives(0, '^warning +002: it cannot be expanded: cmig.expand requires the extension in the\s+database\n +-> cmig lint # shows', '^$', 'check');
gives(0, '^(?!.*expand)', '^$', $_) for 'status', 'plan', 'preflight';
gives(0, 'at 002', '', 'upgrade', '-y');
is(rows('SELECT count(first) FROM account'), '20000', 'its lines fill columns');
gives(0, 'at 001', '', 'downgrade', '001', '-y');
# without it, lint does not propose it
unlink 'migrations/002.sql';
write_revision('002', '001', '', 'ALTER TABLE account RENAME gone TO kept;', 'ALTER TABLE account RENAME kept TO gone;');
gives(0, '^(?!.*prefer-expand).*renaming-column', '^$', 'lint');

# a placeholder without a value
write_revision('003', '002', "-- placeholders: who\n", 'ALTER TABLE account ADD ${who} text;', 'ALTER TABLE account DROP ${who};');
gives(3, '', 'placeholder "who" of revision "003" has no value\nDETAIL: .*\nHINT:  Add -x who=<value>\n', $_) for 'plan', 'upgrade', 'lint';
gives(0, 'warning +003: placeholder "who" [^\n]*\n( +[^\n]*\n)? +-> Add -x who=<value>\n', '', 'check');
gives(0, 'public.account', '', 'plan', '-x', 'who=x');

done_testing();
