# Copyright (c) 2026, the pg_cmig developers

# Tests lines "cmig:up" and "cmig:down" whose UPDATE a rule, row-level security, or a trigger
# changes: an error, before a column is dropped.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('lines_and_rules');
my $second = <<'SQL';
ALTER TABLE item ADD COLUMN w text;
-- cmig:up item.w = upper(v)
ALTER TABLE item DROP COLUMN v;
-- cmig:down item.v = lower(w)
SQL
my $row_security = "SET row_security = on;\n$second";
my $returns_null = q{CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'};
my $returns_new = q{CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'};
my $row_trigger = 'CREATE TRIGGER t BEFORE UPDATE ON item FOR EACH ROW';

# prepared(DATABASE, TARGET, SQL, SCRIPT): a table with rows, upgraded to TARGET, before SQL
sub prepared
{
	my ($db, $target, $sql, $script) = @_;

	new_database($node, $db);
	sql($db, q{SELECT cmig.create_revision('one', 'CREATE TABLE item (id int PRIMARY KEY, v text)', 'DROP TABLE item', revision => '001'); SELECT FROM cmig.upgrade()});
	sql($db, "SELECT cmig.create_revision('two', \$c\$$script\$c\$, revision => '002', expand => true)");
	sql($db, "INSERT INTO item SELECT i, 'v' || i FROM generate_series(1, 3) i");
	sql($db, 'SELECT FROM cmig.upgrade()') if $target eq '002';
	sql($db, $sql);
}

my %refused = (
	instead => ['CREATE RULE r AS ON UPDATE TO item DO INSTEAD NOTHING', '0A000: rows of table public.item cannot be filled because of rule r'],
	conditional => ['CREATE RULE r AS ON UPDATE TO item WHERE old.id > 2 DO INSTEAD NOTHING', '0A000: rows of table public.item cannot be filled because of rule r'],
	also => ['CREATE RULE r AS ON UPDATE TO item DO ALSO SELECT 1', '0A000: rows of table public.item cannot be filled because of rule r'],
	trigger => ["$returns_null; $row_trigger WHEN (old.id > 2) EXECUTE FUNCTION skip()", '55000: a trigger has kept 1 of the rows of table public.item from being filled']);
my %taken = (
	rule_disabled => 'CREATE RULE r AS ON UPDATE TO item DO INSTEAD NOTHING; ALTER TABLE item DISABLE RULE r',
	rule_on_delete => 'CREATE RULE r AS ON DELETE TO item DO INSTEAD NOTHING',
	redundant => "$row_trigger EXECUTE FUNCTION suppress_redundant_updates_trigger()",
	returns_new => "$returns_new; $row_trigger EXECUTE FUNCTION pass()",
	plain => 'SELECT 1');
my $rows = 'SELECT * FROM item ORDER BY id';

foreach my $kind (sort keys %refused)
{
	my ($sql, $error) = @{ $refused{$kind} };
	my $db = "up_$kind";

	prepared($db, '001', $sql, $second);
	foreach my $call ('SELECT FROM cmig.upgrade()', 'CALL cmig.upgrade_stepwise()', 'SELECT error FROM cmig.dry_run()')
	{
		my $out = tried($db, "\\set VERBOSITY verbose\n$call");

		if ($call =~ /dry_run/)
		{
			like($out, qr/\Q@{[ substr($error, 7) ]}/, "$kind: $call");
		}
		else
		{
			like($out, qr/ERROR:  \Q$error/, "$kind: $call");
		}
		is(sql($db, $rows), "1|v1\n2|v2\n3|v3", 'nothing is lost');
	}
	$db = "down_$kind";
	prepared($db, '002', $sql, $second);
	foreach my $call (q{SELECT FROM cmig.downgrade('001')}, q{CALL cmig.downgrade_stepwise('001')})
	{
		like(tried($db, "\\set VERBOSITY verbose\n$call"), qr/ERROR:  \Q$error/, "$kind: $call");
		is(sql($db, $rows), "1|V1\n2|V2\n3|V3", 'nothing is lost');
	}
}

foreach my $kind (sort keys %taken)
{
	prepared($kind, '001', $taken{$kind}, $second);
	sql($kind, 'SELECT FROM cmig.upgrade()');
	is(sql($kind, $rows), "1|V1\n2|V2\n3|V3", "$kind: upgraded");
	sql($kind, q{CALL cmig.downgrade_stepwise('001')});
	is(sql($kind, $rows), "1|v1\n2|v2\n3|v3", 'and downgraded');
}

# Rows that are hidden from the owner.
{
	my $db = 'hidden';
	my $as_owner = 'SET ROLE item_owner';

	sql('postgres', 'CREATE ROLE item_owner');
	prepared($db, '001', 'GRANT CREATE ON SCHEMA public TO item_owner; ALTER TABLE item OWNER TO item_owner; ALTER TABLE item ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON item USING (id < 3)', "$as_owner;\n$row_security");
	like(tried($db, "\\set VERBOSITY verbose\nSELECT FROM cmig.upgrade()"), qr/ERROR:  42501: row-level security hides rows of table public\.item that are to be filled/, 'row-level security');
	is(sql($db, $rows), "1|v1\n2|v2\n3|v3", 'nothing is lost');
	sql($db, 'ALTER TABLE item NO FORCE ROW LEVEL SECURITY; SELECT FROM cmig.upgrade()');
	is(sql($db, $rows), "1|V1\n2|V2\n3|V3", 'as the hint says');
}

# An UPDATE that the script itself contains runs as it is written.
{
	my $db = 'own';
	prepared($db, '001', 'CREATE RULE r AS ON UPDATE TO item WHERE old.id > 2 DO INSTEAD NOTHING', "ALTER TABLE item ADD COLUMN w text;\nUPDATE item SET w = v");
	sql($db, 'SELECT FROM cmig.upgrade()');
	is(sql($db, $rows), "1|v1|v1\n2|v2|v2\n3|v3|", 'an UPDATE of the script');
}

done_testing();
