/*
 * guard.c
 *	  DDL outside of runs: recorded or denied.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "mb/pg_wchar.h"
#include "tcop/deparse_utility.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/errors.h"
#include "online/internal.h"
#include "run/run.h"

/* ----------------------------------------------------------------
 * Writes cmig.ddl_log, which records DDL outside of migration runs.
 *
 * Roles that run DDL have no privileges on cmig.ddl_log.  Its rows are
 * therefore written as its owner, the bootstrap superuser.  Only superusers
 * can attach a trigger to the table, so no other role's code can run with the
 * owner's privileges.
 * ----------------------------------------------------------------
 */

/*
 * The columns of cmig.ddl_log that describe a DDL command.  The other columns
 * describe the session.
 */
typedef struct CmigDdlEntry
{
	const char *command;		/* command tag, or "allow_ddl" */
	const char *object_type;	/* NULL if PostgreSQL does not report it */
	const char *object;			/* identity of the object, or NULL */
	const char *reason;			/* reason given to cmig.allow_ddl(), or NULL */
	const char *whole;			/* for patterns, without quotes: the object
								 * with its schema, or the table of a part */
	const char *name;			/* the object or part: "public.job.name" */
	const char *table;			/* the table of an index, of statistics, or of
								 * a sequence */
	const char *class_id;		/* of a dropped object */
	const char *object_id;
	List	   *others;			/* of char *: other tables to which the change
								 * makes or drops a link */
	struct CmigDdlEntry *before;	/* with the former name, or NULL */
	const char *managed;		/* "false" if the policy does not apply to the
								 * schema */
	const char *former_schema;	/* from which it was moved, or NULL */
	const char *implied;		/* "true" if only its links to other tables
								 * matter */
} CmigDdlEntry;

static char *ddl_exclude = NULL;

void		(*cmig_ddl_exclude_check) (const List *patterns) = NULL;

/* Maximum length of the recorded query text, in bytes. */
#define QUERY_BYTES 1000

/*
 * Can the query string contain a password?  It can if the command has
 * connection options, or if the string contains a word that ends with
 * "password" and is followed by a value.  The string may also contain
 * statements other than the recorded one.
 */
static bool
may_have_secret(const char *command, const char *text)
{
	if (strstr(command, "USER MAPPING") || strstr(command, "SUBSCRIPTION") ||
		strstr(command, "SERVER"))
		return true;
	while ((text = strcasestr(text, "password")) != NULL)
	{
		text += strlen("password");
		text += strspn(text, " \t\r\n=");
		/* a string constant, or the value of a connection option */
		if (*text == '\'' || *text == '$' || text[-1] == '=' ||
			pg_strncasecmp(text, "E'", 2) == 0 || pg_strncasecmp(text, "U&'", 3) == 0)
			return true;
	}
	return false;
}

/*
 * Write a row to cmig.ddl_log.  Call this with the privileges of the table's
 * owner, from a SECURITY DEFINER function.
 */
static void
ddl_log_write(const CmigDdlEntry *entry)
{
	static CmigQuery query = {
		.sql = "INSERT INTO cmig.ddl_log (at, command, object_type, object, role, session_role,"
		" application_name, client_address, transaction_id, query, reason)"
		" VALUES (clock_timestamp(), $1, $2, $3, $4, session_user, $5,"
		" inet_client_addr(), pg_current_xact_id(), $6, $7)",
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}
	};
	char	   *text = NULL;

	/* the beginning of what the client sent, unless it can contain a password */
	if (debug_query_string != NULL && !may_have_secret(entry->command, debug_query_string))
		text = pnstrdup(debug_query_string,
						pg_mbcliplen(debug_query_string, strlen(debug_query_string), QUERY_BYTES));
	cmig_query_do(&query, entry->command, entry->object_type, entry->object,
				  GetUserNameFromId(GetOuterUserId(), false), application_name, text,
				  entry->reason);
}

PG_FUNCTION_INFO_V1(cmig_allow_ddl);

static char *current_reason = NULL; /* in TopTransactionContext; NULL if there
									 * is no exemption */
static SubTransactionId made_in = InvalidSubTransactionId;

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		current_reason = NULL;
}

static void
at_savepoint_end(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	if (made_in != id)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		current_reason = NULL;
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		made_in = parent;
}

void
cmig_ddl_allow_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_savepoint_end, NULL);
	DefineCustomStringVariable(cmig_settings_name("cmig.ddl_exclude"),
							   "Lists patterns of objects to which cmig.ddl_policy does not apply.",
							   NULL, &ddl_exclude, "", PGC_USERSET, 0, NULL, NULL, NULL);
}

/*
 * Exempts the transaction from the policy.  If it was called after a savepoint,
 * rolling back to that savepoint ends the exemption, and removes its row.
 *
 * This is a SECURITY DEFINER function, because it writes to cmig.ddl_log.  If
 * the transaction already has an exemption, that exemption remains in effect,
 * and only the new reason is recorded.  Otherwise, rolling back the second
 * call would end the first exemption.
 */
Datum
cmig_allow_ddl(PG_FUNCTION_ARGS)
{
	char	   *text = cmig_argument_text(fcinfo, 0);
	CmigDdlEntry entry = {.command = "allow_ddl",.reason = text};

	cmig_require_writable("cmig.allow_ddl()");
	if (text == NULL || text[strspn(text, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cmig.allow_ddl requires a reason"),
				 errhint("SELECT cmig.allow_ddl('why this cannot be a revision')")));
	if (!IsTransactionBlock())
		ereport(WARNING,
				(errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				 errmsg("DDL is allowed only until the end of this statement"),
				 errdetail("cmig.allow_ddl was not called in a transaction block."),
				 errhint("Call cmig.allow_ddl after BEGIN.")));
	ddl_log_write(&entry);
	if (current_reason == NULL)
	{
		current_reason = MemoryContextStrdup(TopTransactionContext, text);
		made_in = GetCurrentSubTransactionId();
	}
	PG_RETURN_VOID();
}

/* ----------------------------------------------------------------
 * Enforces the policy on DDL outside of migration runs.
 *
 * The extension's event triggers call the PL/pgSQL function
 * cmig.ddl_trigger().  Only if a policy is set does it call cmig.ddl_event(),
 * which is defined here.  Therefore, a database without a policy does not need
 * this library for its DDL.
 *
 * The policy does not apply to temporary objects, extension scripts,
 * pg_upgrade, restores (see is_exempt()), and pg_cmig's own objects.  Nor
 * does it apply to REFRESH MATERIALIZED VIEW and REINDEX, which do not change
 * the schema.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_ddl_event);
PG_FUNCTION_INFO_V1(cmig_set_ddl_policy_1_2);

/*
 * SQL condition: does the policy apply to objects in this schema?  It applies
 * if cmig.diff would compare the schema, to objects without a schema (NULL), and
 * to schemas that a role other than a superuser may have added to an extension.
 */
#define MANAGED(schema) \
	" AND (" schema " IS NULL OR (" schema " !~ '^pg_'" \
	" AND " schema " <> ALL ('{information_schema,cmig,cmig_audit}')" \
	" AND NOT EXISTS (SELECT FROM pg_namespace n JOIN pg_depend m ON m.classid = 'pg_namespace'::regclass" \
	" AND m.objid = n.oid AND m.deptype = 'e' JOIN pg_roles r ON r.oid = n.nspowner AND r.rolsuper WHERE n.nspname = " schema ")))"

/*
 * SQL condition: the object with this address is not temporary.  The schema of
 * a temporary object is pg_temp, which MANAGED excludes.  Triggers, policies,
 * and rules have no schema, but their address starts with the schema of their
 * table.  The address of a cast or transform contains the names of its types,
 * with which it is dropped.
 */
#define PERMANENT(type, names, args) \
	" AND (cardinality(" names ") > 1 AND " names "[1] ~ '^pg_temp') IS NOT TRUE" \
	" AND (" type " IN ('cast', 'transform')" \
	" AND (" names "[1] ~ '^pg_temp' OR " args "[1] ~ '^pg_temp')) IS NOT TRUE"

/*
 * The columns "whole" and "name" of CmigDdlEntry; a type's name is one text.
 * DOTTED hides the dots in names, so that no pattern takes a name that contains
 * a dot for one in a schema.
 */
#define DOTTED(name) "translate(" name ", '.', chr(1))"
#define NAMES(schema, type, names) \
	" CASE WHEN " schema " IS NOT NULL AND " type " IN ('type', 'domain')" \
	" THEN concat(" DOTTED(schema) ", '.', " DOTTED("replace(substr(" names "[1], length(quote_ident(" schema ")) + 2), '\"', '')") ")" \
	" ELSE array_to_string(p.parts[:CASE WHEN " schema " IS NULL AND " type " NOT IN ('trigger', 'policy', 'rule') THEN 1 ELSE 2 END], '.') END," \
	" CASE WHEN " type " <> 'schema' THEN array_to_string(p.parts, '.') END"
#define PARTS(type, names) \
	" CROSS JOIN LATERAL (SELECT array_agg(" DOTTED("n.name") " ORDER BY n.position)" \
	" FROM unnest(CASE WHEN " type " IN ('operator class', 'operator family') THEN " names "[2:] ELSE " names " END) WITH ORDINALITY n (name, position)) p (parts)"

/*
 * A query for the changes made by the current command, except changes to
 * temporary objects.  See collect_entry() for GRANT and REVOKE.
 */
static CmigQuery commands_query = {
	.sql = "WITH made AS (SELECT * FROM pg_event_trigger_ddl_commands() WHERE NOT in_extension),"
	" c AS (TABLE made UNION ALL"
	" SELECT x.classid, x.objid, 0, m.command_tag, o.type, s.name, o.identity, false, NULL"
	" FROM made m,"
	"  LATERAL (SELECT d.classid, d.objid, false AS typed FROM pg_depend d"
	" WHERE d.refclassid = m.classid AND d.refobjid = m.objid AND d.deptype = 'i'"
	"   UNION SELECT 'pg_operator'::regclass, unnest(ARRAY[p.oprcom, p.oprnegate]::oid[]), false"
	" FROM pg_operator p WHERE p.oid = m.objid AND m.classid = 'pg_operator'::regclass"
	"   UNION SELECT 'pg_class'::regclass, t.oid, true FROM pg_class k"
	" JOIN pg_class t ON t.reloftype = k.reltype"
	"    WHERE k.oid = m.objid AND m.classid = 'pg_class'::regclass AND k.relkind = 'c'"
	"   UNION SELECT 'pg_type'::regclass, t.oid, false FROM pg_proc p"
	" JOIN pg_type t ON t.oid = p.prorettype AND NOT t.typisdefined"
	"    WHERE p.oid = m.objid AND m.classid = 'pg_proc'::regclass) x, pg_identify_object(x.classid, x.objid, 0) o, LATERAL (SELECT (parse_ident(o.schema))[1]) s (name)"
	"  WHERE x.typed OR m.command_tag ~ '^CREATE ' AND s.name <> m.schema_name)"
	" SELECT c.command_tag, c.object_type, c.object_identity, c.command, " NAMES("c.schema_name", "c.object_type", "a.object_names") ","
	" (SELECT concat(" DOTTED("tn.nspname::text") ", '.', " DOTTED("t.relname::text") ") FROM pg_class t JOIN pg_namespace tn ON tn.oid = t.relnamespace"
	"  WHERE c.object_type = 'sequence'"
	"  AND t.oid = (SELECT d.refobjid FROM pg_depend d WHERE d.classid = 'pg_class'::regclass"
	" AND d.objid = c.objid AND d.deptype IN ('a', 'i')"
	"   AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 LIMIT 1))"
	", (true" MANAGED("c.schema_name") ")::text FROM c"
	" LEFT JOIN LATERAL pg_identify_object_as_address(c.classid, c.objid, c.objsubid) a ON true" PARTS("c.object_type", "a.object_names")
	" WHERE true"
	PERMANENT("c.object_type", "a.object_names", "a.object_args")
	" AND c.command_tag NOT IN ('REFRESH MATERIALIZED VIEW', 'REINDEX')"
	" AND (c.object_type, c.object_identity) IS DISTINCT FROM ('extension', 'pg_cmig')"
};

/* Does the policy apply to objects in this schema? */
static CmigQuery managed_query = {"SELECT WHERE true" MANAGED("$1"), {TEXTOID}};

/*
 * SQL condition: can the object be dropped with that of another table, without
 * CASCADE, because it is a partition or belongs to one?
 */
#define PART_TYPES "d.object_type IN ('table', 'foreign table', 'index', 'trigger')"

/*
 * A query for the objects that the current command has dropped.  If $2, those
 * that only CASCADE has dropped are included.
 */
static CmigQuery drops_query = {
	.sql = "WITH d AS (SELECT *, ($1 ~ '^(DROP |ALTER PUBLICATION)' AND original) OR (normal AND $2) AS named FROM pg_event_trigger_dropped_objects())"
	" SELECT $1, d.object_type, d.object_identity, NULL, " NAMES("d.schema_name", "d.object_type",
																 "d.address_names") ","
	" NULL, d.classid::text, d.objid::text, NULL, NULL, NULL, NULL, (NOT named AND"
	" (object_type IN ('table constraint', 'statistics object') OR " PART_TYPES "))::text"
	" FROM d" PARTS("d.object_type",
					"d.address_names") " WHERE (named OR $2 AND (d.object_type IN ('table constraint', 'statistics object')"
	"  OR d.object_type IN ('type', 'operator')"
	" AND (SELECT bool_and(d.schema_name <> o.schema_name) FROM d o WHERE o.original))"
	" OR " PART_TYPES ")"
	" AND NOT d.is_temporary"
	PERMANENT("d.object_type", "d.address_names", "d.address_args")
	" AND (d.object_type, d.object_identity) IS DISTINCT FROM ('extension', 'pg_cmig')"
	MANAGED("d.schema_name") " ORDER BY d.named DESC, d.original DESC",
	.argtypes = {TEXTOID, BOOLOID}
};

/*
 * Does GRANT or REVOKE change only temporary objects?  Event triggers report
 * neither the names nor the OIDs of these objects.
 */
static bool
grants_temporary(const CollectedCommand *command)
{
	const InternalGrant *grant = command->d.grant.istmt;
	Oid			class_id;

	if (command->type != SCT_Grant || grant->objects == NIL)
		return false;
	switch (grant->objtype)
	{
		case OBJECT_TABLE:
		case OBJECT_SEQUENCE:
			class_id = RelationRelationId;
			break;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			class_id = ProcedureRelationId;
			break;
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			class_id = TypeRelationId;
			break;
		default:
			return false;
	}
	foreach_oid(object, grant->objects)
	{
		ObjectAddress address;

		ObjectAddressSet(address, class_id, object);
		if (!isAnyTempNamespace(get_object_namespace(&address)))
			return false;
	}
	return true;
}

/*
 * Returns the object as it was named before the command has renamed it or moved
 * it to another schema, or NULL if it has done neither.
 */
static CmigDdlEntry *
find_before(const CmigDdlEntry *entry, const CollectedCommand *command)
{
	CmigDdlEntry *before;
	const char **names[2];

	if (command->type != SCT_Simple ||
		!(IsA(command->parsetree, RenameStmt) || IsA(command->parsetree, AlterObjectSchemaStmt)))
		return NULL;
	before = palloc(sizeof(CmigDdlEntry));
	*before = *entry;
	names[0] = &before->name;
	names[1] = &before->whole;
	if (IsA(command->parsetree, RenameStmt))
	{
		const RenameStmt *rename = (const RenameStmt *) command->parsetree;
		bool		part = rename->subname != NULL && rename->renameType != OBJECT_SCHEMA;
		Node	   *object = rename->object &&
		IsA(rename->object, ObjectWithArgs) ?
		(Node *) ((ObjectWithArgs *) rename->object)->objname : rename->object;
		const char *old = rename->subname ? rename->subname : rename->relation ?
		rename->relation->relname :
		object == NULL ? "" : IsA(object, List) ? strVal(llast((List *) object)) :
		IsA(object, String) ? strVal(object) : "";

		for (int i = 0; i < (part ? 1 : 2); i++)
			if (*names[i] != NULL)
				*names[i] = psprintf("%.*s%s",
									 Max((int) (strlen(*names[i]) - strlen(rename->newname)), 0),
									 *names[i], cmig_pattern_hide_dots(old));
	}
	else
	{
		const char *schema = get_namespace_name(command->d.simple.secondaryObject.objectId);
		const char *now = ((const AlterObjectSchemaStmt *) command->parsetree)->newschema;

		for (int i = 0; i < 2; i++)
			if (*names[i] != NULL && schema != NULL &&
				strncmp(*names[i], cmig_pattern_hide_dots(now), strlen(now)) == 0)
				*names[i] = psprintf("%s%s", cmig_pattern_hide_dots(schema),
									 *names[i] + strlen(now));
	}
	return before;
}

/*
 * The catalogs that connect an object with a table: its own ("owns"), or
 * another one in which the object has triggers or rows.
 */
static const struct
{
	Oid			class_id;		/* of the object */
	Oid			catalog;
	Oid			index;
	AttrNumber	key;
	size_t		table;			/* where the row has the table's OID */
	bool		owns;
}			connections[] = {

	{RelationRelationId, IndexRelationId, IndexRelidIndexId, Anum_pg_index_indexrelid,
	offsetof(FormData_pg_index, indrelid), true},
	{StatisticExtRelationId, StatisticExtRelationId, StatisticExtOidIndexId,
	Anum_pg_statistic_ext_oid, offsetof(FormData_pg_statistic_ext, stxrelid), true},
	{RelationRelationId, InheritsRelationId, InheritsRelidSeqnoIndexId, Anum_pg_inherits_inhrelid,
	offsetof(FormData_pg_inherits, inhparent), false},
	{RelationRelationId, ConstraintRelationId, ConstraintRelidTypidNameIndexId,
	Anum_pg_constraint_conrelid, offsetof(FormData_pg_constraint, confrelid), false},
	{TriggerRelationId, TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid,
	offsetof(FormData_pg_trigger, tgconstrrelid), false},
	{ConstraintRelationId, ConstraintRelationId, ConstraintOidIndexId, Anum_pg_constraint_oid,
	offsetof(FormData_pg_constraint, confrelid), false}
};

/*
 * Returns the relation's name for patterns, or NULL if it does not exist.  An
 * index has that of its table.
 */
static char *
pattern_name(Oid relation)
{
	const char *name;
	const char *schema;

	if (strchr("iI", get_rel_relkind(relation)) && get_rel_relkind(relation) != '\0')
		relation = IndexGetRelation(relation, true);
	name = get_rel_name(relation);
	schema = get_namespace_name(get_rel_namespace(relation));

	return name == NULL || schema == NULL ? NULL :
		psprintf("%s.%s", cmig_pattern_hide_dots(schema), cmig_pattern_hide_dots(name));
}

/*
 * Add the tables that the object is connected with.  The rows of an object that
 * the current command has dropped are still in the catalogs.
 */
static void
connect_tables(CmigDdlEntry *entry, Oid class_id, Oid object, bool dropped)
{
	for (int i = 0; i < lengthof(connections) && entry->table == NULL; i++)
	{
		Relation	catalog;
		SysScanDesc scan;
		ScanKeyData key;
		HeapTuple	row;

		if (connections[i].class_id != class_id)
			continue;
		catalog = table_open(connections[i].catalog, AccessShareLock);
		ScanKeyInit(&key, connections[i].key, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(object));
		scan = systable_beginscan(catalog, connections[i].index, true, dropped ? SnapshotAny : NULL,
								  1, &key);
		while (HeapTupleIsValid(row = systable_getnext(scan)))
		{
			char	   *name = pattern_name(*(Oid *) ((char *) GETSTRUCT(row) +
													  connections[i].table));

			if (name == NULL ||
				(dropped && !TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmax(row->t_data))))
				continue;
			if (connections[i].owns)
				entry->table = name;
			else
				entry->others = lappend(entry->others, name);
		}
		systable_endscan(scan);
		table_close(catalog, AccessShareLock);
	}
}

/* Add the tables that inherit from the relation, or those of its indexes. */
static void
connect_descendants(CmigDdlEntry *entry, Oid relation)
{
	foreach_oid(child, OidIsValid(relation) ? cmig_inheritors(relation, NoLock) : NIL)
	{
		char	   *name = child == relation ? NULL : pattern_name(child);

		if (name != NULL)
			entry->others = lappend(entry->others, name);
	}
}

/* Add the partition with this name that the command attaches or detaches. */
static void
connect_partition(CmigDdlEntry *entry, Oid parent, const char *name)
{
	Relation	catalog = table_open(InheritsRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	row;

	ScanKeyInit(&key, Anum_pg_inherits_inhparent, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(parent));
	scan = systable_beginscan(catalog, InheritsParentIndexId, true, SnapshotAny, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		Oid			child = ((Form_pg_inherits) GETSTRUCT(row))->inhrelid;
		const char *found = get_rel_name(child);

		if (found != NULL && strcmp(found, name) == 0 &&
			(TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmin(row->t_data)) ||
			 TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmax(row->t_data))))
		{
			entry->others = lappend(entry->others, pattern_name(child));
			connect_descendants(entry, child);
		}
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/*
 * Add the table to which the sequence has belonged until the current
 * transaction, or the sequence itself if it has belonged to none.
 */
static void
connect_sequence(CmigDdlEntry *entry, Oid sequence)
{
	Relation	catalog = table_open(DependRelationId, AccessShareLock);
	HeapTuple	made = SearchSysCache1(RELOID, ObjectIdGetDatum(sequence));
	bool		owned = HeapTupleIsValid(made) &&
	TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmin(made->t_data));
	SysScanDesc scan;
	ScanKeyData keys[2];
	HeapTuple	row;

	if (HeapTupleIsValid(made))
		ReleaseSysCache(made);
	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(sequence));
	scan = systable_beginscan(catalog, DependDependerIndexId, true, SnapshotAny, lengthof(keys),
							  keys);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(row);
		bool		former =
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmax(row->t_data));
		char	   *name = form->refobjsubid > 0 ? pattern_name(form->refobjid) : NULL;

		owned |= name != NULL &&
			(former || !TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmin(row->t_data)));
		if (name != NULL && former)
			entry->others = lappend(entry->others, name);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	if (!owned && entry->name != NULL)
		entry->others = lappend(entry->others, unconstify(char *, entry->name));
}

/*
 * Add the object itself, if it is in another schema than its table, so that
 * both names count.
 */
static void
connect_own_name(CmigDdlEntry *entry)
{
	size_t		schema = entry->table && entry->name ? strcspn(entry->table, ".") + 1 : 0;

	if (schema > 0 && strncmp(entry->table, entry->name, schema) != 0)
		entry->others = lappend(entry->others, unconstify(char *, entry->name));
}

/* Does the subcommand of ALTER TABLE change the tables that inherit, too? */
static bool
is_inherited(const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_ChangeOwner:
		case AT_ClusterOn:
		case AT_DropCluster:
		case AT_SetLogged:
		case AT_SetUnLogged:
		case AT_SetTableSpace:
		case AT_SetAccessMethod:
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
		case AT_ReplaceRelOptions:
		case AT_SetOptions:
		case AT_ResetOptions:
		case AT_EnableRule:
		case AT_EnableAlwaysRule:
		case AT_EnableReplicaRule:
		case AT_DisableRule:
		case AT_AddInherit:
		case AT_DropInherit:
		case AT_AttachPartition:
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
		case AT_AddOf:
		case AT_DropOf:
		case AT_ReplicaIdentity:
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_NoForceRowSecurity:
		case AT_GenericOptions:
			return false;
		default:
			return true;
	}
}

/*
 * Returns the table that has the trigger or the constraint.  A trigger for
 * statements, which partitions do not inherit, does not count.
 */
static Oid
table_with(ObjectAddress object)
{
	const bool	trigger = object.classId == TriggerRelationId;
	Relation	catalog = table_open(object.classId, AccessShareLock);
	Oid			table = InvalidOid;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	row;

	ScanKeyInit(&key, trigger ? Anum_pg_trigger_oid : Anum_pg_constraint_oid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(object.objectId));
	scan = systable_beginscan(catalog, trigger ? TriggerOidIndexId : ConstraintOidIndexId, true,
							  NULL, 1, &key);
	if (HeapTupleIsValid(row = systable_getnext(scan)) &&
		(!trigger || TRIGGER_FOR_ROW(((Form_pg_trigger) GETSTRUCT(row))->tgtype)))
		table = trigger ? ((Form_pg_trigger) GETSTRUCT(row))->tgrelid :
			((Form_pg_constraint) GETSTRUCT(row))->conrelid;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return table;
}

/*
 * Returns the relation whose descendants the command has changed, too, or
 * InvalidOid.  What it has changed in them is not reported.
 */
static Oid
changed_with_descendants(const CollectedCommand *command, ObjectAddress object)
{
	const Node *statement = command->parsetree;

	if (command->type == SCT_AlterTable)
	{
		if (IsA(statement, AlterTableStmt) && ((const AlterTableStmt *) statement)->relation->inh)
		{
			foreach_ptr(CollectedATSubcmd, part, command->d.alterTable.subcmds)
			{
				if (is_inherited((AlterTableCmd *) part->parsetree))
					return object.objectId;
			}
		}
		return InvalidOid;
	}
	if (IsA(statement, IndexStmt))
		return object.objectId;

	/* triggers are inherited only by partitions */
	if (object.classId == TriggerRelationId &&
		(IsA(statement, RenameStmt) || IsA(statement, CreateTrigStmt)))
	{
		Oid			table = table_with(object);

		return get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE ? table : InvalidOid;
	}
	if (IsA(statement, RenameStmt) && ((const RenameStmt *) statement)->relation != NULL &&
		((const RenameStmt *) statement)->relation->inh)
	{
		if (((const RenameStmt *) statement)->renameType == OBJECT_COLUMN)
			return object.objectId;
		if (object.classId == ConstraintRelationId)
			return table_with(object);
	}
	return InvalidOid;
}

/* Add the tables with which the command connects the object, or that it changes, too. */
static void
connect_command(CmigDdlEntry *entry, const CollectedCommand *command)
{
	ObjectAddress object = command->d.simple.address;
	char		kind = '\0';

	if (command->type == SCT_AlterTable)
		ObjectAddressSet(object, RelationRelationId, command->d.alterTable.objectId);
	else if (command->type != SCT_Simple)
		return;
	if (object.classId == RelationRelationId)
		kind = get_rel_relkind(object.objectId);
	connect_descendants(entry, changed_with_descendants(command, object));

	if (IsA(command->parsetree, AlterSeqStmt))
		connect_sequence(entry, object.objectId);
	/* links of a table that earlier commands have made do not matter */
	if (kind == '\0' || kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX ||
		IsA(command->parsetree, CreateStmt) || IsA(command->parsetree, CreateForeignTableStmt))
		connect_tables(entry, object.classId, object.objectId, false);
	if (command->type == SCT_AlterTable)
	{
		foreach_ptr(CollectedATSubcmd, part, command->d.alterTable.subcmds)
		{
			const AlterTableCmd *cmd = (AlterTableCmd *) part->parsetree;
			char	   *other = NULL;

			switch (cmd->subtype)
			{
				case AT_AddInherit:
				case AT_DropInherit:
					other = pattern_name(part->address.objectId);
					break;
				case AT_AttachPartition:
				case AT_DetachPartition:
				case AT_DetachPartitionFinalize:
					connect_partition(entry, object.objectId,
									  castNode(PartitionCmd, cmd->def)->name->relname);
					break;
				default:
					if (part->address.classId == ConstraintRelationId)
						connect_tables(entry, ConstraintRelationId, part->address.objectId, false);
					break;
			}
			if (other != NULL)
				entry->others = lappend(entry->others, other);
		}
	}
}

/* Row callback: append a change to a List of CmigDdlEntry *. */
static void
collect_entry(const CmigRow *row, void *arg)
{
	List	  **entries = arg;
	CmigDdlEntry *entry;
	const bool	no_command = row->nulls[3];
	const Datum command = row->values[3];

	if (!no_command && grants_temporary((CollectedCommand *) DatumGetPointer(command)))
		return;
	entry = palloc0(sizeof(CmigDdlEntry));
	entry->command = cmig_query_text(row, 1);
	entry->object_type = cmig_query_text_or_null(row, 2);
	entry->object = cmig_query_text_or_null(row, 3);
	entry->whole = cmig_query_text_or_null(row, 5);
	entry->name = cmig_query_text_or_null(row, 6);
	entry->table = cmig_query_text_or_null(row, 7);
	entry->managed = cmig_query_text(row, 8);
	if (!no_command)
	{
		const CollectedCommand *collected = (CollectedCommand *) DatumGetPointer(command);

		connect_command(entry, collected);
		entry->before = find_before(entry, collected);
		if (collected->type == SCT_Simple && IsA(collected->parsetree, AlterObjectSchemaStmt))
			entry->former_schema = get_namespace_name(collected->d.simple.secondaryObject.objectId);
	}
	connect_own_name(entry);
	*entries = lappend(*entries, entry);
}

/* Returns the patterns that are stored for the database, a list of CmigPattern. */
static List *
excluded_patterns(void)
{
	char	   *stored = pstrdup(cmig_settings_ddl_exclude());
	CmigNames	names = {0, palloc(sizeof(char *) * (strlen(stored) + 1))};

	for (char *item = strtok(stored, ","); item != NULL; item = strtok(NULL, ","))
		if (item[strspn(item, " ")] != '\0')
			names.names[names.count++] = item + strspn(item, " ");
	return cmig_patterns_read(&names);
}

/*
 * Does a pattern match the object?  Without a kind, or for tables, a pattern
 * must match the table that the object belongs to, and never the object's own
 * name.
 */
static bool
is_excluded(const List *patterns, const CmigDdlEntry *entry)
{
	const char *type = entry->object_type;
	bool		is_part = entry->name != NULL && entry->whole != NULL &&
	strcmp(entry->name, entry->whole) != 0;

	foreach_ptr(char, other, entry->others)
	{
		CmigDdlEntry table = {.object_type = "table",.whole = other,.name = other};

		if (!is_excluded(patterns, &table))
			return false;
	}
	foreach_ptr(const CmigPattern, pattern, entry->whole && type ? patterns : NIL)
	{
		const char *kind = pattern->kind;
		const char *table = entry->table ? entry->table : is_part ? entry->whole : NULL;

		if (kind != NULL && strcmp(kind, "schema") == 0)
		{
			if ((strcmp(type, "schema") == 0 || strchr(entry->whole, '.') != NULL) &&
				cmig_pattern_matches(pattern->name,
									 pnstrdup(entry->whole, strcspn(entry->whole, "."))))
				return true;
			continue;
		}
		if (kind == NULL && table == NULL)
			table = strcmp(type, "schema") == 0 ? psprintf("%s.", entry->whole) : entry->whole;
		if ((kind == NULL || strcmp(kind, "table") == 0) && table != NULL &&
			cmig_pattern_matches(pattern->name, table))
			return true;
		/* "table column" and "table constraint" are kinds of their own here */
		if (kind != NULL && entry->name != NULL &&
			cmig_pattern_matches(pattern->name, entry->name) &&
			(strcmp(kind, type) == 0 ||
			 (strncmp(type, "table ", 6) == 0 && strcmp(kind, type + 6) == 0)))
			return true;
	}
	return false;
}

/* Is the current command exempt from the policy? */
static bool
is_exempt(void)
{
	TransactionId prepared;
	int			pid;

	if (creating_extension || IsBinaryUpgrade || cmig_running.revision != NULL ||
		cmig_session_is_entered())
		return true;

	/*
	 * pg_restore by a role that is allowed to change cmig.ddl_policy anyway;
	 * for other roles, the application name is ignored, because anybody can
	 * set it
	 */
	if (application_name != NULL && strcmp(application_name, "pg_restore") == 0 &&
		cmig_owns_compat(DatabaseRelationId, MyDatabaseId, GetSessionUserId()))
		return true;

	/*
	 * The policy is applied on the coordinator of a Citus cluster, which then
	 * runs the command on the shards.  If the coordinator itself has shards,
	 * it runs the command on them in other sessions.
	 */
	pid = cmig_citus_parent();
	return cmig_citus_is_worker() ||
		(pid != 0 && (pid == cmig_run_lock_holder() ||
					  pid == cmig_run_lock_transaction_holder(&prepared)));
}

/* Returns another table of the change if only that one matches no pattern, or NULL. */
static const char *
find_lacking(const CmigDdlEntry *entry)
{
	const List *patterns = excluded_patterns();
	CmigDdlEntry alone = *entry;

	alone.others = NIL;
	foreach_ptr(const char, other, is_excluded(patterns, &alone) ? entry->others : NIL)
	{
		CmigDdlEntry table = {.object_type = "table",.whole = other,.name = other};

		if (!is_excluded(patterns, &table))
			return other;
	}
	return NULL;
}

/* Raise an error for a change that the policy denies. */
static void
deny(const CmigDdlEntry *entry, const char *hint)
{
	const char *lacking = find_lacking(entry);
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfo(&detail, "%s was rejected", entry->command);
	if (entry->object)
		appendStringInfo(&detail, " for %s %s", entry->object_type, entry->object);
	if (lacking)
		appendStringInfo(&detail, ", which also concerns table %s,", lacking);
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_DDL_DENIED),
			 errmsg("database \"%s\" allows DDL only in revisions",
					get_database_name(MyDatabaseId)),
			 errdetail("%s because cmig.ddl_policy is \"deny\".", detail.data),
			 cmig_hint("%s", hint)));
}

/*
 * Returns the relation on which a CONCURRENTLY statement works, or NULL for
 * other statements.  When a CONCURRENTLY statement ends, it has already
 * committed, so it must be rejected before it starts.
 */
static RangeVar *
concurrent_relation(Node *stmt)
{
	if (IsA(stmt, IndexStmt) && ((IndexStmt *) stmt)->concurrent)
		return ((IndexStmt *) stmt)->relation;
	if (IsA(stmt, DropStmt) && ((DropStmt *) stmt)->concurrent)
		return makeRangeVarFromNameList(linitial(((DropStmt *) stmt)->objects));
	if (IsA(stmt, AlterTableStmt))
	{
		foreach_node(AlterTableCmd, cmd, ((AlterTableStmt *) stmt)->cmds)
		{
			if (cmd->subtype == AT_DetachPartition &&
				((PartitionCmd *) cmd->def)->concurrent)
				return ((AlterTableStmt *) stmt)->relation;
		}
	}
	return NULL;
}

/*
 * Is the relation certainly temporary?  With the search_path of
 * cmig.ddl_trigger(), which contains only pg_catalog and pg_temp, an
 * unqualified name can refer to a temporary relation, but not to a user's
 * permanent one.  However, the client's search_path can list another schema
 * before pg_temp, so this function also makes sure that no permanent relation
 * has the same name.
 */
static bool
is_temporary(const RangeVar *relation)
{
	static CmigQuery query = {
		.sql = "SELECT FROM pg_class c WHERE c.relname = $1 AND c.relpersistence <> 't'",
		.argtypes = {TEXTOID}
	};
	Oid			oid = RangeVarGetRelid(relation, NoLock, true);

	if (!OidIsValid(oid) || get_rel_persistence(oid) != RELPERSISTENCE_TEMP)
		return false;
	return relation->schemaname != NULL || cmig_query_do(&query, relation->relname) == 0;
}

#define CONCURRENT_HINT "Put the command into a revision that is not transactional, and `CALL cmig.upgrade_stepwise()`"

/*
 * If the current command is a CONCURRENTLY statement, deny it.  Such a
 * statement cannot run in a transaction block, so it is the only statement in
 * the query string that the client sent.
 */
static void
deny_concurrent(const char *tag)
{
	List	   *statements;
	RangeVar   *relation;
	CmigDdlEntry entry = {.command = tag,.object_type = "relation"};
	Oid			recipe = cmig_recipe_table_alone();

	/* a pg_cmig procedure, unless a revision's script has called it */
	if (OidIsValid(recipe) && get_rel_persistence(recipe) != RELPERSISTENCE_TEMP)
	{
		entry.object_type = "table";
		entry.object = cmig_query_relation_name(recipe);
		deny(&entry, CONCURRENT_HINT);
	}
	if (debug_query_string == NULL || strcasestr(debug_query_string, "concurrently") == NULL)
		return;
	statements = cmig_raw_parse(debug_query_string, RAW_PARSE_DEFAULT);
	if (list_length(statements) != 1)
		return;
	relation = concurrent_relation(linitial_node(RawStmt, statements)->stmt);
	if (relation == NULL || is_temporary(relation))
		return;
	entry.object = relation->schemaname ?
		quote_qualified_identifier(relation->schemaname, relation->relname) :
		quote_identifier(relation->relname);
	deny(&entry, CONCURRENT_HINT);
}

/*
 * Returns what the current command has dropped.  Partitions, and what belongs to
 * them, are not named: their tables are added to the object that is.  If the policy
 * does not apply to that object, a partition counts itself.
 */
static List *
dropped_entries(const char *tag, const List *patterns)
{
	List	   *entries = cmig_query_list(&drops_query, tag, patterns != NIL);	/* of CmigDdlEntry */
	CmigDdlEntry *first = entries ? linitial(entries) : NULL;
	ListCell   *lc;

	foreach(lc, entries)
	{
		CmigDdlEntry *entry = lfirst(lc);
		const char *type = entry->object_type;
		bool		table = strcmp(type, "table") == 0 || strcmp(type, "foreign table") == 0;

		connect_tables(entry, atooid(entry->class_id), atooid(entry->object_id), true);
		connect_own_name(entry);
		if (strcmp(entry->implied, "true") != 0 ||
			!(table || strcmp(type, "index") == 0 || strcmp(type, "trigger") == 0))
			continue;
		if (strcmp(first->implied, "true") != 0)
		{
			/* an index without a table was dropped with it */
			const char *name = entry->table ? entry->table :
			strcmp(type, "index") == 0 ? NULL : entry->whole;

			if (name != NULL)
				first->others = lappend(first->others, unconstify(char *, name));
		}
		else if (table)
		{
			entry->implied = "false";
			continue;
		}
		entries = foreach_delete_current(entries, lc);
	}
	return entries;
}

/*
 * cmig.ddl_event(event, tag): called by cmig.ddl_trigger(), with the
 * privileges of the bootstrap superuser, if a policy may be in effect.
 */
CMIG_READER(cmig_ddl_event)
{
	char	   *event = cmig_argument_text(fcinfo, 0);
	char	   *tag = cmig_argument_text(fcinfo, 1);
	CmigDdlPolicy policy;
	const char *reason = current_reason;
	List	   *patterns;
	List	   *entries = NIL;
	ListCell   *lc;
	static bool loaded = false;

	/*
	 * tell cmig.ddl_trigger() that the next call cannot fail to find the
	 * library
	 */
	if (!loaded)
		DefineCustomBoolVariable("cmig.loaded", "Shows that the library of pg_cmig is loaded.",
								 NULL,
								 &loaded, true, PGC_INTERNAL,
								 GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, NULL,
								 NULL, NULL);
	if (event == NULL || tag == NULL || is_exempt())
		PG_RETURN_VOID();
	policy = cmig_settings_ddl_policy();
	if (policy == CMIG_DDL_ALLOW)
		PG_RETURN_VOID();
	if (strcmp(event, "ddl_command_start") == 0)
	{
		if (policy == CMIG_DDL_DENY && reason == NULL)
			deny_concurrent(tag);
		PG_RETURN_VOID();
	}

	/* what the command changed or, for the event sql_drop, dropped */
	patterns = excluded_patterns();
	if (strcmp(event, "ddl_command_end") == 0)
	{
		cmig_query_each(&commands_query, NULL, NULL, collect_entry, &entries);
		foreach(lc, entries)
		{
			const CmigDdlEntry *entry = lfirst(lc);

			if (strcmp(entry->managed, "false") == 0 &&
				(entry->former_schema == NULL ||
				 cmig_query_do(&managed_query, entry->former_schema) == 0))
				entries = foreach_delete_current(entries, lc);
		}
	}
	else
	{
		entries = dropped_entries(tag, patterns);
	}
	/* it may only revoke privileges, like REVOKE */
	if (strcmp(event, "ddl_command_end") == 0 && strcmp(tag, "DROP OWNED") == 0)
	{
		CmigDdlEntry *entry = palloc0(sizeof(CmigDdlEntry));

		entry->command = tag;
		entries = lappend(entries, entry);
	}
	foreach(lc, entries)
	{
		const CmigDdlEntry *entry = lfirst(lc);

		if ((entry->implied != NULL && strcmp(entry->implied, "true") == 0 &&
			 entry->others == NIL) ||
			(is_excluded(patterns, entry) &&
			 (entry->before == NULL || is_excluded(patterns, entry->before))))
			entries = foreach_delete_current(entries, lc);
	}
	if (entries != NIL && policy == CMIG_DDL_DENY && reason == NULL)
		deny(linitial(entries),
			 "Put the command into a revision and run `cmig.upgrade()`. If it cannot wait: BEGIN; SELECT cmig.allow_ddl('why'); ...; COMMIT");
	foreach_ptr(CmigDdlEntry, entry, entries)
	{
		entry->reason = reason;
		ddl_log_write(entry);
	}
	PG_RETURN_VOID();
}

/* Store the patterns for the database; none resets the setting. */
static void
store_exclude(const CmigNames *names)
{
	StringInfoData list;
	List	   *patterns = cmig_patterns_read(names);

	cmig_ddl_exclude_check(patterns);
	initStringInfo(&list);
	foreach_ptr(CmigPattern, each, patterns)
	{
		const char *pattern = each->text;

		if (strchr(pattern, ',') != NULL || strcspn(pattern, " ") == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("pattern \"%s\" contains a comma or begins with a space", pattern),
					 errhint("Use * in place of this character.")));
		appendStringInfo(&list, "%s%s", list.len > 0 ? "," : "", pattern);
	}
	(void) cmig_database_setting_set("cmig.set_ddl_policy()", NULL, "cmig.ddl_exclude",
									 list.len > 0 ? list.data : NULL);
}

/*
 * cmig.set_ddl_policy(policy, exclude): sets the database's policy, and the
 * patterns of objects to which it does not apply unless "exclude" is null.
 */
Datum
cmig_set_ddl_policy_1_2(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(1))
		store_exclude(cmig_argument_names(PG_GETARG_ARRAYTYPE_P(1), "the list of patterns",
										  "Use exclude => ARRAY['<schema>.<name>', ...]."));
	(void) cmig_database_setting_set("cmig.set_ddl_policy()", NULL, "cmig.ddl_policy",
									 cmig_argument_text(fcinfo, 0));
	PG_RETURN_TEXT_P(cstring_to_text(cmig_settings_ddl_policy_name(cmig_settings_ddl_policy_stored())));
}
