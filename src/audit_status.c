/*
 * audit_status.c
 *	  cmig.audit_status: which tables are audited, how, and what is in the way.
 *
 * Everything is read from the triggers, so that it is what holds, whoever
 * made it.
 */
#include "postgres.h"

#include "argument.h"
#include "compat.h"
#include "query.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"

PG_FUNCTION_INFO_V1(cmig_audit_status);

/*
 * The columns in the lists of the options, as {quoted name, number}.  The text
 * is taken apart without a cast to jsonb, which would fail for arguments that
 * somebody else wrote.
 */
#define COLUMN_IN_LIST "\"(?:[^\"\\\\]|\\\\.)*\": [0-9]{1,5}"
#define HIDDEN_COLUMNS(options) \
	"regexp_matches(" options ", '\"(?:exclude|redact|hash)\": \\{(" COLUMN_IN_LIST "(?:, " COLUMN_IN_LIST ")*)\\}', 'g') AS l(l)," \
	" regexp_matches(l.l[1], '(\"(?:[^\"\\\\]|\\\\.)*\"): ([0-9]{1,5})', 'g')"

/* Of pg_trigger.tgtype: row 1, insert 4, delete 8, update 16, truncate 32. */
static CmigQuery read_status = {
	"WITH t AS (SELECT t.tgrelid, t.tgname, t.tgtype::integer AS type, t.tgenabled, t.tgparentid <> 0 AS cloned,"
	"   t.tgqual IS NOT NULL OR t.tgattr::text <> '' AS narrowed,"
	"   substring(encode(t.tgargs, 'escape') FROM '^([0-9]{1,9})\\\\000')::integer AS table_id,"
	"   CASE WHEN t.tgnargs = 2 THEN regexp_replace(convert_from("
	"     substring(t.tgargs FROM position('\\x00'::bytea IN t.tgargs) + 1"
	"      FOR length(t.tgargs) - position('\\x00'::bytea IN t.tgargs) - 1), getdatabaseencoding()),"
	"     ', \"anchor\": \"[0-9]+\"', '') END AS options,"
	"   substring(encode(t.tgargs, 'escape') FROM '\"anchor\": \"([0-9]+)\"') AS anchor"
	"  FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid AND p.proname = 'audit_trigger'"
	"  JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'cmig'),"
	" own AS (SELECT t.tgrelid, min(t.table_id) AS table_id, min(t.options) AS options, min(t.anchor) AS anchor, bit_or(t.type) AS type,"
	"   string_agg(quote_ident(t.tgname), ', ' ORDER BY t.tgname) FILTER (WHERE t.tgenabled IN ('D', 'R')) AS disabled,"
	"   string_agg(quote_ident(t.tgname), ', ' ORDER BY t.tgname) FILTER (WHERE t.narrowed) AS narrowed"
	"  FROM t WHERE NOT t.cloned GROUP BY t.tgrelid)"
	" SELECT format('%I.%I', n.nspname, c.relname), o.table_id,"
	"  CASE WHEN o.type & 1 = 1 THEN 'row' WHEN o.type IS NOT NULL THEN 'statement' END,"
	"  nullif(concat_ws(', ', CASE WHEN o.type & 4 <> 0 THEN 'insert' END, CASE WHEN o.type & 16 <> 0 THEN 'update' END,"
	"   CASE WHEN o.type & 8 <> 0 THEN 'delete' END, CASE WHEN o.type & 32 <> 0 THEN 'truncate' END), ''), o.options,"
	"  nullif(concat_ws('; ',"
	"   CASE WHEN EXISTS (SELECT FROM t WHERE t.tgrelid = c.oid AND t.cloned)"
	"    THEN 'its triggers rest while it is a partition of an audited table' END,"
	"   'disabled: ' || o.disabled,"
	"   'not for all changes: ' || o.narrowed,"
	"   CASE WHEN o.tgrelid IS NOT NULL AND o.options IS NULL THEN 'the triggers were not made by enable_audit' END,"
	"   'hidden, but of the key: ' || (SELECT string_agg(DISTINCT quote_ident(a.attname), ', ') FROM pg_index x"
	"    JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey[0:x.indnkeyatts - 1]),"
	"    " HIDDEN_COLUMNS("o.options") " h"
	"    WHERE x.indrelid = c.oid AND (x.indisprimary OR x.indisreplident"
	"     AND NOT EXISTS (SELECT FROM pg_index p WHERE p.indrelid = c.oid AND p.indisprimary))"
	"    AND CASE WHEN o.anchor = c.oid::text AND EXISTS (SELECT FROM pg_attribute n"
	"      WHERE n.attrelid = c.oid AND n.attnum = h.h[2]::integer AND NOT n.attisdropped)"
	"     THEN a.attnum = h.h[2]::integer ELSE to_json(a.attname::text)::text = h.h[1] END),"
	"   CASE WHEN EXISTS (SELECT FROM pg_trigger s JOIN pg_proc p ON p.oid = s.tgfoid AND p.proname = 'write'"
	"     JOIN pg_namespace w ON w.oid = p.pronamespace AND w.nspname = 'cmig_audit'"
	"     WHERE s.tgrelid = c.oid AND s.tgparentid = 0) THEN 'audited by a script' END,"
	"   CASE WHEN c.relkind = 'p' AND o.type & 28 <> 0 AND o.type & 1 = 0"
	"    THEN 'what is written to a partition directly is not logged' END,"
	"   CASE WHEN c.relispartition AND o.type & 1 = 1 AND EXISTS (SELECT FROM pg_partition_ancestors(c.oid) a(oid)"
	"     JOIN own x ON x.tgrelid = a.oid AND x.type & 28 <> 0 AND x.type & 1 = 0 WHERE a.oid <> c.oid)"
	"    THEN 'what is written through the partitioned table is logged twice' END,"
	"   CASE WHEN c.relkind = 'r' AND NOT c.relispartition AND o.type & 28 <> 0 AND o.type & 1 = 0"
	"    THEN nullif(concat_ws('; ', CASE WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)"
	"     THEN 'what is written through the table it inherits from is not logged as its change' END,"
	"     CASE WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)"
	"     THEN 'what is written through it to its children is logged as its own' END), '') END,"
	"   'children that are not audited: ' || (SELECT string_agg(i.inhrelid::regclass::text, ', ' ORDER BY i.inhrelid::regclass::text)"
	"    FROM pg_inherits i WHERE i.inhparent = c.oid AND c.relkind = 'r' AND o.tgrelid IS NOT NULL"
	"    AND NOT EXISTS (SELECT FROM own x WHERE x.tgrelid = i.inhrelid)),"
	"   'may replace the triggers: ' || (SELECT string_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC'"
	"     ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', ')"
	"    FROM aclexplode(c.relacl) a WHERE a.privilege_type = 'TRIGGER' AND a.grantee <> c.relowner AND o.tgrelid IS NOT NULL)"
	"  ), '')"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN own o ON o.tgrelid = c.oid"
	" WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND (NOT c.relispartition OR o.tgrelid IS NOT NULL)"
	" AND CASE WHEN $1 IS NULL THEN n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'cmig', 'cmig_audit') ELSE n.nspname = $1 END"
	" AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')"
	" ORDER BY n.nspname, c.relname",
	1, {TEXTOID}
};

Datum
cmig_audit_status(PG_FUNCTION_ARGS)
{
	Datum		values[1];
	char		nulls[2] = {0};

	InitMaterializedSRF(fcinfo, 0);
	values[0] = cmig_argument_schema(fcinfo, 0, nulls);
	cmig_query_each(&read_status, values, nulls, cmig_query_return_row, fcinfo->resultinfo);
	return (Datum) 0;
}
