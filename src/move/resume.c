/*
 * resume.c
 *	  Determines how far an interrupted top-level statement got.
 *
 * An invalid index may be the leftover of an interrupted statement, or another
 * session may be building it.  A session that builds, rebuilds, or drops an
 * index concurrently holds ShareUpdateExclusiveLock on the table until it has
 * finished.  Therefore, if we get this lock and the index is still invalid,
 * the index is a leftover.
 *
 * cmig_resume_prepare() records facts from the catalogs before the statement
 * begins.  After an interruption, cmig_resume_judge() compares them with the
 * current state.  If PostgreSQL would choose the name of an index, we choose
 * it in advance, so that a leftover can be distinguished from other sessions'
 * indexes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "parser/parse_target.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "move/internal.h"

static CmigQuery member_query = {
	.sql = "SELECT $1::jsonb ->> $2",
	.argtypes = {TEXTOID, TEXTOID}
};

/*
 * A query for the invalid transient indexes of REINDEX CONCURRENTLY on a
 * relation, in a schema, or in the whole database, except for those listed in
 * a JSON array, and whether the current role may drop them.  It may rebuild
 * more than it may drop: indexes of a TOAST table, which are in a schema that
 * only superusers can use, or of other roles' tables in its database.
 */
static CmigQuery transient_query = {
	.sql = "WITH tables AS ("
	" SELECT c.oid, c.reltoastrelid FROM pg_class c"
	" WHERE CASE $1 WHEN 'relation' THEN c.oid = $2"
	"   OR c.oid IN (SELECT relid FROM pg_partition_tree($2))"
	" WHEN 'schema' THEN c.relnamespace = $2 ELSE true END)"
	" SELECT i.indexrelid, i.indrelid, n.nspname || '.' || x.relname,"
	" has_schema_privilege(n.oid, 'USAGE') AND"
	" (pg_has_role(x.relowner, 'USAGE') OR pg_has_role(n.nspowner, 'USAGE'))"
	" FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid"
	" JOIN pg_namespace n ON n.oid = x.relnamespace"
	" WHERE NOT i.indisvalid AND x.relname ~ '_cc(new|old)[0-9]*$'"
	" AND i.indrelid IN (SELECT oid FROM tables"
	"   UNION ALL SELECT reltoastrelid FROM tables)"
	" AND NOT coalesce(($3::jsonb) ? (n.nspname || '.' || x.relname), false)"
	" ORDER BY 3",
	.argtypes = {TEXTOID, OIDOID, TEXTOID}
};

static CmigQuery detach_query = {
	.sql = "SELECT CASE WHEN inhdetachpending THEN 'pending' ELSE 'attached' END"
	" FROM pg_inherits WHERE inhrelid = $1 AND inhparent = $2",
	.argtypes = {OIDOID, OIDOID}
};

/*
 * Returns the value of a member of "detail", a JSON object, as a string, or
 * NULL if there is none.
 */
static char *
member(const char *detail, const char *name)
{
	return detail != NULL ? cmig_query_value(&member_query, detail, name) : NULL;
}

/*
 * JSON members that record whether the object that a statement creates, drops,
 * or detaches existed before the statement.
 */
#define EXISTED "\"existed\": true"
#define DID_NOT_EXIST "\"existed\": false"

/*
 * Does "detail" say that the object of the statement existed before the
 * statement?
 */
static bool
had_existed(const char *detail)
{
	char	   *existed = member(detail, "existed");

	return existed != NULL && strcmp(existed, "true") == 0;
}

/* Returns the name that PostgreSQL would choose for an unnamed index. */
static char *
choose_index_name(const IndexStmt *statement, Oid table)
{
	char		columns[NAMEDATALEN * 2] = "";
	int			length = 0;
	List	   *elements = list_concat_copy(statement->indexParams,
											statement->indexIncludingParams);

	foreach_node(IndexElem, element, elements)
	{
		const char *name = element->name;

		if (name == NULL)
			name = FigureIndexColname(element->expr);
		if (name == NULL)
			name = "expr";
		if (length > 0)
			columns[length++] = '_';
		strlcpy(columns + length, name, NAMEDATALEN);
		length += strlen(columns + length);
		if (length >= NAMEDATALEN)
			break;
	}
	return ChooseRelationName(get_rel_name(table), columns,
							  statement->excludeOpNames != NIL ? "excl" : "idx",
							  get_rel_namespace(table), false);
}

/*
 * Is the index valid?  Sets *table to the index's table, or to InvalidOid if
 * the index does not exist.
 */
static bool
index_is_usable(Oid index, Oid *table)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;
	bool		usable;

	*table = InvalidOid;
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	*table = form->indrelid;
	usable = form->indisvalid && form->indisready && form->indislive;
	ReleaseSysCache(tuple);
	return usable;
}

/*
 * Could the statement have created this index?  Compares the index columns and
 * whether the index is unique and partial, but not expressions.
 */
static bool
is_index_of(const IndexStmt *statement, Oid index)
{
	Relation	relation = index_open(index, AccessShareLock);
	Form_pg_index form = relation->rd_index;
	List	   *elements = list_concat_copy(statement->indexParams,
											statement->indexIncludingParams);
	bool		same;

	same = form->indisunique == statement->unique &&
		form->indnkeyatts == list_length(statement->indexParams) &&
		form->indnatts == list_length(elements) &&
		heap_attisnull(relation->rd_indextuple, Anum_pg_index_indpred, NULL) ==
		(statement->whereClause == NULL);
	for (int i = 0; same && i < form->indnatts; i++)
	{
		const char *name = list_nth_node(IndexElem, elements, i)->name;

		/*
		 * compare only elements with a name: the others are expressions, or
		 * columns in parentheses, which PostgreSQL stores as plain columns
		 */
		if (name != NULL)
			same = form->indkey.values[i] != 0 &&
				strcmp(get_attname(form->indrelid, form->indkey.values[i], false), name) == 0;
	}
	index_close(relation, NoLock);
	return same;
}

/*
 * Returns the JSON members to store before CREATE INDEX CONCURRENTLY: the name
 * of the index, and whether it already exists.
 */
static char *
prepare_index(IndexStmt *statement)
{
	StringInfoData detail;
	Oid			table = RangeVarGetRelid(statement->relation, NoLock, true);
	Oid			index;
	Oid			owner;

	if (!OidIsValid(table))
		return pstrdup("");
	if (statement->idxname == NULL)
		statement->idxname = choose_index_name(statement, table);
	index = get_relname_relid(statement->idxname, get_rel_namespace(table));
	if (OidIsValid(index) && statement->if_not_exists &&
		!index_is_usable(index, &owner) && owner == table)
		ereport(WARNING,
				(errmsg("index \"%s\" exists but is invalid", statement->idxname),
				 errdetail("IF NOT EXISTS does not replace it, and queries do not use it."),
				 errhint("To create the index again, first drop the invalid one: DROP INDEX CONCURRENTLY %s",
						 quote_qualified_identifier(cmig_query_schema_name(get_rel_namespace(index)),
													statement->idxname))));

	initStringInfo(&detail);
	appendStringInfoString(&detail, "\"index\": ");
	escape_json(&detail, statement->idxname);
	appendStringInfo(&detail, ", %s", OidIsValid(index) ? EXISTED : DID_NOT_EXIST);
	return detail.data;
}

/* Append an invalid index to the list. */
static List *
add_leftover(List *leftovers, Oid index, Oid table, bool kept)
{
	CmigLeftover *leftover = palloc(sizeof(CmigLeftover));

	leftover->table = table;
	leftover->index = index;
	leftover->kept = kept;
	return lappend(leftovers, leftover);
}

/* Determine how far an interrupted CREATE INDEX CONCURRENTLY got. */
static CmigResumeVerdict
judge_index(IndexStmt *statement, const char *detail, List **leftovers)
{
	Oid			table = RangeVarGetRelid(statement->relation, NoLock, true);
	char	   *name = member(detail, "index");
	Oid			index;
	Oid			owner;

	if (!OidIsValid(table) || name == NULL)
		return CMIG_RESUME_AGAIN;
	statement->idxname = name;
	if (had_existed(detail))
		return CMIG_RESUME_AGAIN;
	index = get_relname_relid(name, get_rel_namespace(table));
	if (!OidIsValid(index))
		return CMIG_RESUME_AGAIN;
	if (index_is_usable(index, &owner))
		return owner == table && is_index_of(statement, index) ?
			CMIG_RESUME_DONE : CMIG_RESUME_AGAIN;
	if (owner == table)
		*leftovers = add_leftover(*leftovers, index, table, false);
	return CMIG_RESUME_AGAIN;
}

/*
 * Returns the rows of transient_query for the relations that a REINDEX
 * statement rebuilds, except for the indexes listed in "known".
 */
static List *
find_transients(const ReindexStmt *statement, const char *known)
{
	const char *scope = "all";
	Oid			oid = InvalidOid;

	if (statement->kind == REINDEX_OBJECT_SCHEMA)
	{
		scope = "schema";
		oid = get_namespace_oid(statement->name, true);
	}
	else if (statement->relation != NULL)
	{
		scope = "relation";
		oid = RangeVarGetRelid(statement->relation, NoLock, true);
		if (OidIsValid(oid) && statement->kind == REINDEX_OBJECT_INDEX &&
			(get_rel_relkind(oid) == RELKIND_INDEX ||
			 get_rel_relkind(oid) == RELKIND_PARTITIONED_INDEX))
			oid = IndexGetRelation(oid, true);
	}
	return cmig_query_list(&transient_query, scope, oid, known);
}

/*
 * If the statement is ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY, returns
 * true, and sets *state to "attached", "pending" if the detach has begun, or
 * NULL if the table is not a partition of the altered table.  If the detach has
 * begun, *finish is set to the statement that completes it.
 */
static bool
is_detach(const Node *node, char **state, char **finish)
{
	const AlterTableStmt *alter = (const AlterTableStmt *) node;
	const AlterTableCmd *command;
	const PartitionCmd *detach;
	Oid			partition;
	Oid			table;

	*state = *finish = NULL;
	if (!IsA(node, AlterTableStmt) || list_length(alter->cmds) != 1)
		return false;
	command = linitial_node(AlterTableCmd, alter->cmds);
	detach = (const PartitionCmd *) command->def;
	if (command->subtype != AT_DetachPartition || !detach->concurrent)
		return false;
	partition = RangeVarGetRelid(detach->name, NoLock, true);
	table = RangeVarGetRelid(alter->relation, NoLock, true);
	*state = cmig_query_value(&detach_query, partition, table);
	if (*state != NULL && strcmp(*state, "pending") == 0)
		*finish = psprintf("ALTER TABLE %s DETACH PARTITION %s FINALIZE",
						   cmig_query_relation_name(table), cmig_query_relation_name(partition));
	return true;
}

/* The effect of a statement on the existence of an object. */
typedef enum Existence
{
	NO_OBJECT,					/* neither creates nor drops an object */
	CREATES,
	DROPS
} Existence;

/*
 * Returns whether the statement creates or drops an object.  If it does, sets
 * *exists to whether the object exists now.
 */
static Existence
object_of(const Node *node, bool *exists)
{
	switch (nodeTag(node))
	{
		case T_CreatedbStmt:
			*exists = OidIsValid(get_database_oid(((const CreatedbStmt *) node)->dbname, true));
			return CREATES;
		case T_DropdbStmt:
			*exists = OidIsValid(get_database_oid(((const DropdbStmt *) node)->dbname, true));
			return DROPS;
		case T_CreateTableSpaceStmt:
			*exists = OidIsValid(get_tablespace_oid(((const CreateTableSpaceStmt *) node)->tablespacename, true));
			return CREATES;
		case T_DropTableSpaceStmt:
			*exists = OidIsValid(get_tablespace_oid(((const DropTableSpaceStmt *) node)->tablespacename, true));
			return DROPS;
		case T_CreateSubscriptionStmt:
			*exists = OidIsValid(get_subscription_oid(((const CreateSubscriptionStmt *) node)->subname, true));
			return CREATES;
		case T_DropStmt:
			{
				const DropStmt *drop = (const DropStmt *) node;
				RangeVar   *name;

				if (drop->removeType != OBJECT_INDEX || list_length(drop->objects) != 1)
					return NO_OBJECT;
				name = makeRangeVarFromNameList(linitial_node(List, drop->objects));
				*exists = OidIsValid(RangeVarGetRelid(name, NoLock, true));
				return DROPS;
			}
		default:
			return NO_OBJECT;
	}
}

char *
cmig_resume_prepare(RawStmt *raw)
{
	bool		exists;
	char	   *state;
	char	   *finish;

	if (IsA(raw->stmt, IndexStmt))
		return prepare_index((IndexStmt *) raw->stmt);

	/*
	 * REINDEX CONCURRENTLY: list the transient indexes that already exist,
	 * which other statements have left
	 */
	if (IsA(raw->stmt, ReindexStmt) && cmig_statement_is_concurrent(raw))
	{
		StringInfoData names;

		initStringInfo(&names);
		appendStringInfoChar(&names, '[');
		foreach_ptr(CmigValue, row, find_transients(castNode(ReindexStmt, raw->stmt), NULL))
		{
			if (names.len > 1)
				appendStringInfoString(&names, ", ");
			escape_json(&names, row[2]);
		}
		return psprintf("\"invalid\": %s]", names.data);
	}
	if (is_detach(raw->stmt, &state, &finish))
		exists = state != NULL;
	else if (object_of(raw->stmt, &exists) == NO_OBJECT)
		return pstrdup("");
	return pstrdup(exists ? EXISTED : DID_NOT_EXIST);
}

CmigResumeVerdict
cmig_resume_judge(RawStmt *raw, const char *detail, List **leftovers, char **finish)
{
	char	   *state;
	bool		exists;

	*leftovers = NIL;
	*finish = NULL;
	if (IsA(raw->stmt, IndexStmt))
		return judge_index((IndexStmt *) raw->stmt, detail, leftovers);
	if (IsA(raw->stmt, ReindexStmt))
	{
		if (!cmig_statement_is_concurrent(raw))
			return CMIG_RESUME_AGAIN;
		foreach_ptr(CmigValue, row,
					find_transients((ReindexStmt *) raw->stmt, member(detail, "invalid")))
		{
			*leftovers = add_leftover(*leftovers, atooid(row[0]), atooid(row[1]),
									  row[3][0] != 't');
		}
		return CMIG_RESUME_AGAIN;
	}
	if (is_detach(raw->stmt, &state, finish))
	{
		if (*finish != NULL)
			return CMIG_RESUME_FINISH;
		return state == NULL && had_existed(detail) ? CMIG_RESUME_DONE : CMIG_RESUME_AGAIN;
	}
	switch (object_of(raw->stmt, &exists))
	{
		case CREATES:
			return exists && !had_existed(detail) ? CMIG_RESUME_DONE : CMIG_RESUME_AGAIN;
		case DROPS:
			return !exists && had_existed(detail) ? CMIG_RESUME_DONE : CMIG_RESUME_AGAIN;
		case NO_OBJECT:
			break;
	}
	return CMIG_RESUME_AGAIN;
}

/*
 * Wait until no transaction is changing the pg_index row of the index.  This
 * is necessary because CREATE INDEX CONCURRENTLY marks the index valid at the
 * very end, and releases its lock just before it commits that change.
 */
static void
wait_for_change(Oid index)
{
	TransactionId changing;

	do
	{
		Relation	relation = table_open(IndexRelationId, AccessShareLock);
		ScanKeyData key;
		SysScanDesc scan;
		SnapshotData dirty;

		changing = InvalidTransactionId;
		InitDirtySnapshot(dirty);
		ScanKeyInit(&key, Anum_pg_index_indexrelid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(index));
		scan = systable_beginscan(relation, IndexRelidIndexId, true, &dirty, 1, &key);
		while (!TransactionIdIsValid(changing) && HeapTupleIsValid(systable_getnext(scan)))
			changing = TransactionIdIsValid(dirty.xmin) ? dirty.xmin : dirty.xmax;
		systable_endscan(scan);
		table_close(relation, AccessShareLock);
		if (TransactionIdIsValid(changing))
			XactLockTableWait(changing, NULL, NULL, XLTW_None);
	} while (TransactionIdIsValid(changing));
	AcceptInvalidationMessages();
}

/* Report an invalid index that the current role may not drop. */
static void
report_kept(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
	Form_pg_class form;
	char	   *name = cmig_query_relation_name(index);
	bool		owner_can;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_class) GETSTRUCT(tuple);
	owner_can = cmig_may_compat(NamespaceRelationId, form->relnamespace, form->relowner,
								ACL_USAGE);
	ereport(NOTICE,
			(errmsg("role \"%s\" cannot drop index %s, which an interrupted statement left invalid",
					GetUserNameFromId(GetUserId(), false), name),
			 owner_can ?
			 errdetail("Its owner, role \"%s\", can, and so can a superuser.",
					   GetUserNameFromId(form->relowner, false)) :
			 errdetail("A superuser can."),
			 errhint("DROP INDEX CONCURRENTLY %s", name)));
	ReleaseSysCache(tuple);
}

/*
 * Attempt callback: drop an index that an interrupted statement has left
 * invalid, or report it.  The session lock on its table is held from the check to the drop.
 * After an error, the lock is lost and another session may use the index, so
 * each attempt checks again.
 */
static void
remove_leftover(void *arg)
{
	const CmigLeftover *leftover = arg;
	LockRelId	table = {.relId = leftover->table,.dbId = MyDatabaseId};
	Oid			owner;
	char	   *sql = NULL;

	/*
	 * wait for the lock without a snapshot, because a session that holds it
	 * may be waiting for old snapshots to end
	 */
	cmig_toplevel_commit();
	InvalidateCatalogSnapshot();
	LockRelationIdForSession(&table, ShareUpdateExclusiveLock);
	wait_for_change(leftover->index);

	cmig_toplevel_snapshot();
	if (index_is_usable(leftover->index, &owner) || owner != leftover->table)
		 /* nothing is left */ ;
	else if (leftover->kept)
		report_kept(leftover->index);
	else
	{
		char	   *name = cmig_query_relation_name(leftover->index);

		ereport(NOTICE,
				(errmsg("dropping index %s, which an interrupted statement left invalid", name)));

		/*
		 * use IF EXISTS with Citus, because some nodes might not have the
		 * index yet
		 */
		sql = psprintf("DROP INDEX CONCURRENTLY %s%s",
					   cmig_citus_manages(leftover->table) ? "IF EXISTS " : "", name);
	}
	cmig_toplevel_commit();
	if (sql != NULL)
		cmig_toplevel_execute(cmig_raw_parse_one(sql), sql);
	UnlockRelationIdForSession(&table, ShareUpdateExclusiveLock);
}

void
cmig_resume_remove(const CmigLeftover *leftover)
{
	cmig_toplevel_attempt(remove_leftover, NULL, unconstify(CmigLeftover *, leftover),
						  "dropping an invalid index");
}

Oid
cmig_resume_invalid_index(Oid table, const char *name)
{
	Oid			index = get_relname_relid(name, get_rel_namespace(table));
	Oid			owner;

	if (OidIsValid(index) && !index_is_usable(index, &owner) && owner == table)
		return index;
	return InvalidOid;
}
