# Copyright (c) 2026, the pg_cmig developers

# With an engine: settings of the database, of a connection, and of a revision change neither what functions
# of pg_cmig run, nor whether the database is found to be as in the copy.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($node, $dir, $cache) = engine_project('engine_settings');
my $superuser = getpwuid($<);
sub admin { return $node->safe_psql('postgres', $_[0], extra_params => [ '-U', $superuser ]); }

engine_stays();
admin('CREATE ROLE regress_app');

my %settings = (
	quote_all_identifiers => 'on',
	array_nulls => 'off',
	bytea_output => 'escape',
	datestyle => 'SQL, DMY',
	extra_float_digits => '-3',
	intervalstyle => 'iso_8601',
	standard_conforming_strings => (string_styles($node))[-1],
	timezone => 'Asia/Tokyo',
	transform_null_equals => 'on',
	xmlbinary => 'hex',
	xmloption => 'document',
	exit_on_error => 'off',);
my $set = join '', map { "SET $_ = '$settings{$_}';\n" } sort grep { !/^(exit_on_error|standard_conforming_strings)$/ } keys %settings;
my $calls = q{SELECT cmig.enable_rls('"Item"', 'tenant', roles => '{regress_app}');};

write_revision('001', '', '', q{
CREATE TABLE "Item" (id bigint, tenant text, name text, at timestamptz DEFAULT '2026-03-01 10:00+00',
	CHECK (at > timestamptz '2026-02-01 10:00+00'), CHECK (interval '1 day 2 hours' > interval '1 hour'),
	CHECK (name <> 'a\b' AND name::bytea <> '\x00ff'), CHECK (name::float8 <> 0.1::float8 + 0.2::float8));
CREATE TABLE "order" (id bigint, tenant text);
INSERT INTO "order" SELECT 1, 'a';}, q{DROP TABLE "Item", "order";});
write_revision('002', '001', '', $calls, q{SELECT cmig.disable_rls('"Item"');});
# what a revision sets holds for its later statements only
write_revision('003', '002', '', "$set\nSELECT cmig.enable_rls('\"order\"', 'tenant', roles => '{regress_app}');",
	q{SELECT cmig.disable_rls('"order"');});
write_revision('004', '003', '-- transactional: no',
	"$set\nALTER TABLE \"Item\" ADD CONSTRAINT named CHECK (name <> 'no') NOT VALID;\n"
	  . "SET quote_all_identifiers = off;\nALTER TABLE \"Item\" VALIDATE CONSTRAINT named;\n"
	  . "CALL cmig.add_check('\"order\"', 'order_positive', 'id > 0');\n",
	"ALTER TABLE \"Item\" DROP CONSTRAINT named;\nALTER TABLE \"order\" DROP CONSTRAINT order_positive;");

# what is there, the same in each database
sub made
{
	local $ENV{PGOPTIONS} = '-c quote_all_identifiers=off -c standard_conforming_strings=on -c bytea_output=hex '
	  . '-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC';
	my ($out) = run_command([ 'pg_dump', '-s', '-n', 'public', $_[0] ]);

	return join "\n", grep { !/^(?:--|SET |\\(?:un)?restrict|$)/ } split /\n/, $out;
}

my $plain;
foreach my $case ('', 'quote_all_identifiers', 'all')
{
	my $db = "set_$case";

	admin("CREATE DATABASE $db OWNER regress_owner");
	foreach my $name ($case eq 'all' ? sort keys %settings : grep { $_ ne '' } $case)
	{
		admin("ALTER DATABASE $db SET $name = '$settings{$name}'");
	}
	gives(0, '', '', '-d', $db, 'upgrade', '--stepwise', '-y');
	gives(0, '004', '', '-d', $db, 'current');
	gives(0, 'no drift', '', '-d', $db, 'drift');
	$plain //= made($db);
	is(made($db), $plain, "with \"$case\" set, all is made as without it");
	gives(0, '', '', '-d', $db, 'downgrade', 'base', '--stepwise', '-y');
	gives(0, '', '', '-d', $db, 'upgrade', '003', '-y');
	gives(0, '', '', '-d', $db, 'downgrade', 'base', '-y');
}

done_testing();
