# Copyright (c) 2026, the pg_cmig developers

# A generated downgrade converts a column between types with and without time zone as the line "cmig:down"
# says, so it does not need cmig.diff_time_zone, which other columns do; and it creates what checks rows
# when the lines have filled them.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('downgrade_lines');
new_database($node, 'base');
sql('base', q{SET timezone = 'UTC'; SELECT cmig.create_revision('Tables', 'CREATE SCHEMA s; CREATE TABLE t (id int, at timestamp, ats timestamp[], other timestamp); CREATE TABLE s.t (at timestamp);
	CREATE TABLE p (id int, at timestamp) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
	CREATE TABLE parent (at timestamp); CREATE TABLE child () INHERITS (parent)', '', revision => '1'); SELECT cmig.upgrade();
	INSERT INTO t VALUES (1, '2026-01-02 03:04:05', '{2026-01-02 03:04:05}', '2026-01-02 03:04:05');
	INSERT INTO s.t SELECT at FROM t; INSERT INTO p SELECT id, at FROM t; INSERT INTO child SELECT at FROM t});

my $number = 0;
foreach my $case (
	[ 'a column', 't', 'at', 'timestamptz', q{at AT TIME ZONE 'Asia/Tokyo'}, 't', '' ],
	[ 'a column of a schema', 's.t', 'at', 'timestamptz', q{at AT TIME ZONE 'Asia/Tokyo'}, 's.t', '' ],
	[ 'an array', 't', 'ats', 'timestamptz[]', q{ARRAY[ats[1] AT TIME ZONE 'Asia/Tokyo']}, 't', '' ],
	[ 'partitions', 'p', 'at', 'timestamptz', q{at AT TIME ZONE 'Asia/Tokyo'}, 'p', '' ],
	[ 'children', 'parent', 'at', 'timestamptz', q{at AT TIME ZONE 'Asia/Tokyo'}, 'parent', '' ],
	[ 'a table whose name is in two schemas', 't', 'at', 'timestamptz', q{at AT TIME ZONE 'Asia/Tokyo'}, 't', 'ALTER TABLE s.t ALTER at TYPE timestamptz' ],
	[ 'another column', 't', 'at', 'timestamptz', q{at AT TIME ZONE 'Asia/Tokyo'}, 't', 'ALTER TABLE t ALTER other TYPE timestamptz' ])
{
	my ($name, $table, $column, $type, $expression, $rows, $more) = @$case;
	my $db = 'd' . ++$number;
	my $own = $table =~ /\./ ? $table : "public.$table";
	my $read = "SET timezone = 'UTC'; SELECT * FROM $rows";
	# a line without a schema is for any table of this name
	my $line = $more =~ / s\.t / ? $own : $table;

	sql('postgres', "CREATE DATABASE $db TEMPLATE base");
	my $before = sql($db, $read);
	sql($db, "SELECT cmig.create_revision('Time zone', \$r\$ALTER TABLE $table ALTER $column TYPE $type USING $expression;\n-- cmig:down $line.$column = $expression\n$more\$r\$, NULL, revision => '2', expand => true)");
	sql($db, "SELECT FROM cmig.upgrade()");
	isnt(sql($db, $read), $before, "$name: the upgrade");
	if ($more ne '')
	{
		like(tried($db, q{SELECT FROM cmig.downgrade('-1')}), qr/cannot be reverted.*the time zone of the values is not known/s, "$name: a column that has no line needs the setting");
		sql($db, q{SELECT cmig.set_option('cmig.diff_time_zone', 'UTC')});
	}
	is(tried($db, "SET client_min_messages = warning; SET timezone = 'America/New_York'; SELECT FROM cmig.downgrade('-1')") =~ s/\s//gr, '', "$name: the downgrade");
	is(sql($db, $read), $before, "$name: the values") if $more eq '';
	is(sql($db, 'SELECT count(*) FROM cmig.drift()'), '0', "$name: the schema");
}

$number = 0;
foreach my $index ('CREATE UNIQUE INDEX p_code ON p (%s)', 'ALTER TABLE p ADD CONSTRAINT p_code UNIQUE (%s)', 'CREATE UNIQUE INDEX p_code ON p ((abs(%s)))',
	'ALTER TABLE p ADD CONSTRAINT p_code CHECK (%s <> 0)', 'ALTER TABLE p ADD CONSTRAINT p_code FOREIGN KEY (%s) REFERENCES f', 'ALTER TABLE p ADD CONSTRAINT p_code UNIQUE (%s); CREATE TABLE c (code int REFERENCES p (%1$s))')
{
	my $db = 'i' . ++$number;
	my ($old, $new) = map { sprintf($index, $_) } 'code', 'code2';

	new_database($node, $db);
	$new =~ s/CREATE TABLE c .*/ALTER TABLE c ADD FOREIGN KEY (code) REFERENCES p (code2)/;
	my $drop = $old =~ /CREATE TABLE c/ ? 'ALTER TABLE c DROP CONSTRAINT c_code_fkey;' : '';
	sql($db, "SELECT cmig.create_revision('a', \$r\$CREATE TABLE f (id int PRIMARY KEY); CREATE TABLE p (id int PRIMARY KEY, code int NOT NULL DEFAULT 0); $old\$r\$, '', revision => '1'); SELECT FROM cmig.upgrade();
		INSERT INTO f VALUES (1), (2), (1001), (1002); INSERT INTO p VALUES (1, 1), (2, 2)");
	sql($db, "SELECT cmig.create_revision('b', \$r\$ALTER TABLE p ADD code2 int;\n-- cmig:up p.code2 = code + 1000\n$drop ALTER TABLE p DROP code;\n-- cmig:down p.code = code2 - 1000\n$new\$r\$, NULL, revision => '2', expand => true); SELECT FROM cmig.upgrade()");
	is(tried($db, q{SET client_min_messages = warning; SELECT FROM cmig.downgrade('-1')}) =~ s/\s//gr, '', "filled before: $old");
	is(sql($db, 'SELECT code FROM p ORDER BY id'), "1\n2", 'the values');
	is(sql($db, 'SELECT count(*) FROM cmig.drift()'), '0', 'the schema');
}

$node->stop;
done_testing();
