/*
 * locks.c
 *	  The locks of a statement, from its parse tree.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

#include "base/compat.h"
#include "parse/parse.h"
#include "plan/internal.h"
#include "run/run.h"

/* ----------------------------------------------------------------
 * Determines which locks a statement about a table, view, or sequence takes.
 * ----------------------------------------------------------------
 */

/*
 * Add locks on the relations named in foreign keys and LIKE clauses in a table
 * definition.
 */
static void
add_elements(List **locks, List *elements)
{
	ListCell   *lc;

	foreach(lc, elements)
	{
		Node	   *element = lfirst(lc);

		if (IsA(element, ColumnDef))
			cmig_alter_locks_foreign_keys(locks, ((ColumnDef *) element)->constraints);
		else if (IsA(element, Constraint))
			cmig_alter_locks_foreign_keys(locks, list_make1(element));
		else if (IsA(element, TableLikeClause))
			cmig_query_locks_add_named(locks, ((TableLikeClause *) element)->relation, AccessShareLock, 0);
	}
}

/* Add the locks of CREATE TABLE or CREATE FOREIGN TABLE. */
static void
add_create_table(List **locks, CreateStmt *create)
{
	ListCell   *lc;

	foreach(lc, create->inhRelations)
	{
		if (create->partbound != NULL)
			cmig_query_locks_add(locks, lfirst(lc), AccessExclusiveLock,
								 CMIG_LOCK_DEFAULT | CMIG_LOCK_REFERENCED | CMIG_LOCK_PARTITIONED |
								 CMIG_LOCK_KEYS)->table_mode = ShareRowExclusiveLock;
		else
			cmig_query_locks_add_named(locks, lfirst(lc), ShareUpdateExclusiveLock, 0);
	}
	add_elements(locks, create->tableElts);
	add_elements(locks, create->constraints);
	cmig_query_locks_add_created(locks, create->relation, (Node *) create);
}

/* Add the locks of CREATE INDEX. */
static void
add_create_index(List **locks, IndexStmt *index)
{
	RangeVar   *created;

	cmig_query_locks_add_named(locks, index->relation, index->concurrent ? ShareUpdateExclusiveLock : ShareLock,
							   index->relation->inh ? CMIG_LOCK_PARTITIONS : 0);
	if (index->idxname == NULL)
		return;
	created = makeRangeVar(index->relation->schemaname, index->idxname, -1);
	cmig_query_locks_add_created(locks, created, (Node *) index);
}

/* Add the locks of TRUNCATE. */
static void
add_truncate(List **locks, const TruncateStmt *truncate)
{
	ListCell   *lc;

	foreach(lc, truncate->relations)
	{
		const RangeVar *relation = lfirst(lc);
		int			with = CMIG_LOCK_STORED;

		if (relation->inh)
			with |= CMIG_LOCK_CHILDREN;
		if (truncate->restart_seqs)
			with |= CMIG_LOCK_SEQUENCES;
		if (truncate->behavior == DROP_CASCADE)
			with |= CMIG_LOCK_REFERENCING;
		cmig_query_locks_add_named(locks, relation, AccessExclusiveLock, with);
	}
}

/* Add the lock on the OWNED BY table of CREATE SEQUENCE or ALTER SEQUENCE. */
static void
add_sequence_owner(List **locks, List *options)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "owned_by") == 0)
			cmig_query_locks_add_named(locks, cmig_query_locks_owner(option->arg), AccessShareLock, 0);
	}
}

/*
 * Add the locks of a statement that creates, alters, truncates, or refreshes a
 * relation.  Returns false for other statements.
 */
static bool
add_table_statement(List **locks, Node *statement)
{
	const RefreshMatViewStmt *refresh;

	switch (nodeTag(statement))
	{
		case T_CreateStmt:
			add_create_table(locks, (CreateStmt *) statement);
			return true;
		case T_CreateForeignTableStmt:
			add_create_table(locks, &((CreateForeignTableStmt *) statement)->base);
			return true;
		case T_IndexStmt:
			add_create_index(locks, (IndexStmt *) statement);
			return true;
		case T_AlterTableStmt:
			cmig_alter_locks(locks, (AlterTableStmt *) statement);
			return true;
		case T_TruncateStmt:
			add_truncate(locks, (TruncateStmt *) statement);
			return true;
		case T_CreateTableAsStmt:
			cmig_query_locks(locks, ((CreateTableAsStmt *) statement)->query,
							 !((CreateTableAsStmt *) statement)->into->skipData);
			cmig_query_locks_add_created(locks, ((CreateTableAsStmt *) statement)->into->rel, NULL);
			return true;
		case T_CreateSeqStmt:
			add_sequence_owner(locks, ((CreateSeqStmt *) statement)->options);
			cmig_query_locks_add_created(locks, ((CreateSeqStmt *) statement)->sequence, statement);
			return true;
		case T_AlterSeqStmt:
			cmig_query_locks_add_named(locks, ((AlterSeqStmt *) statement)->sequence, ShareRowExclusiveLock, 0);
			add_sequence_owner(locks, ((AlterSeqStmt *) statement)->options);
			return true;
		case T_ViewStmt:
			cmig_query_locks(locks, ((ViewStmt *) statement)->query, false);
			if (((ViewStmt *) statement)->replace)
				cmig_query_locks_add_named(locks, ((ViewStmt *) statement)->view, AccessExclusiveLock, 0);
			cmig_query_locks_add_created(locks, ((ViewStmt *) statement)->view, statement);
			return true;
		case T_RefreshMatViewStmt:
			refresh = (RefreshMatViewStmt *) statement;
			cmig_query_locks_add_named(locks, refresh->relation, refresh->concurrent ? ExclusiveLock : AccessExclusiveLock,
									   (refresh->skipData ? 0 : CMIG_LOCK_VIEWED) |
									   (refresh->concurrent ? 0 : CMIG_LOCK_STORED));
			return true;
		default:
			return false;
	}
}

/* ----------------------------------------------------------------
 * Determines which locks a statement takes, according to its parse tree.
 *
 * The parse tree shows which relations are named and how they are locked.  The
 * catalogs are not read, so the result has only flags for locks on other
 * relations, such as partitions, indexes, and tables on the other side of
 * foreign keys.  planned_locks.c evaluates these flags.
 * ----------------------------------------------------------------
 */

/*
 * Record that some of a statement's locks cannot be determined, because the
 * statement runs code or processes all tables.
 */
static void
add_unknown(List **locks, const char *what)
{
	CmigLock   *lock = cmig_query_locks_add(locks, NULL, NoLock, 0);

	lock->action = CMIG_LOCK_UNKNOWN;
	lock->name = what;
}

/* Add the locks of ALTER DOMAIN if the command checks existing values. */
static void
add_alter_domain(List **locks, AlterDomainStmt *alter)
{
	CmigLock   *lock;
	const Constraint *constraint = (const Constraint *) alter->def;

	if (strchr("COV", alter->subtype) == NULL ||
		(alter->subtype == 'C' && constraint->skip_validation))
		return;
	lock = cmig_query_locks_add(locks, NULL, ShareLock, 0);
	lock->action = CMIG_LOCK_DOMAIN;
	lock->type = OBJECT_DOMAIN;
	lock->object = (Node *) makeTypeNameFromNameList(alter->typeName);
}

/* Is this a type of relation? */
static bool
is_relation_type(ObjectType type)
{
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
			return true;
		default:
			return false;
	}
}

/* Is this a type of object that belongs to a relation? */
static bool
is_part_of_relation(ObjectType type)
{
	return type == OBJECT_TRIGGER || type == OBJECT_RULE || type == OBJECT_POLICY;
}

/* Add the locks of DROP. */
static void
add_drop(List **locks, const DropStmt *drop)
{
	LOCKMODE	mode = drop->concurrent || drop->removeType == OBJECT_STATISTIC_EXT ?
	ShareUpdateExclusiveLock : AccessExclusiveLock;
	ListCell   *lc;

	foreach(lc, drop->objects)
	{
		Node	   *object = lfirst(lc);
		CmigLock   *lock;

		if (is_part_of_relation(drop->removeType))
		{
			RangeVar   *relation = cmig_query_locks_owner(object);

			if (relation != NULL)
				cmig_alter_locks_part(locks, drop->removeType, relation, strVal(llast((List *) object)),
									  AccessExclusiveLock)->missing_ok = drop->missing_ok;
			continue;
		}
		lock = cmig_query_locks_add(locks, NULL, mode, 0);
		lock->action = CMIG_LOCK_DROP;
		lock->type = drop->removeType;
		lock->object = object;
		lock->cascade = drop->behavior == DROP_CASCADE;
		if (is_relation_type(drop->removeType))
			lock->relation = cmig_query_locks_relation((List *) object);
		if (drop->removeType == OBJECT_TABLE || drop->removeType == OBJECT_FOREIGN_TABLE)
			lock->with = CMIG_LOCK_PARENT;
	}
}

/* Add the locks of DROP OWNED or REASSIGN OWNED. */
static void
add_owned(List **locks, CmigLockAction action, List *roles, DropBehavior behavior)
{
	CmigLock   *lock = cmig_query_locks_add(locks, NULL, AccessExclusiveLock, 0);

	lock->action = action;
	lock->object = (Node *) roles;
	lock->cascade = behavior == DROP_CASCADE;
	if (action == CMIG_LOCK_REASSIGN_OWNED)
		lock->with = CMIG_LOCK_SEQUENCES | CMIG_LOCK_INDEXES;
}

/* Add the locks of ALTER ... RENAME. */
static void
add_rename(List **locks, const RenameStmt *rename)
{
	CmigLock   *lock;

	if (rename->relation == NULL)
		return;
	switch (rename->renameType)
	{
		case OBJECT_TABCONSTRAINT:
			lock = cmig_query_locks_add(locks, rename->relation, ShareUpdateExclusiveLock, 0);
			lock->action = CMIG_LOCK_RENAME_CONSTRAINT;
			lock->name = rename->subname;
			/* fall through */
		case OBJECT_COLUMN:
		case OBJECT_ATTRIBUTE:
			cmig_query_locks_add_named(locks, rename->relation, AccessExclusiveLock,
									   (rename->relation->inh ? CMIG_LOCK_CHILDREN : 0) |
									   (rename->behavior == DROP_CASCADE ? CMIG_LOCK_TYPED : 0));
			return;
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			(void) cmig_alter_locks_part(locks, rename->renameType, rename->relation, rename->subname,
										 AccessExclusiveLock);
			return;
		default:
			break;
	}
	if (!is_relation_type(rename->renameType))
		return;
	cmig_query_locks_add_named(locks, rename->relation,
							   rename->renameType == OBJECT_INDEX ? ShareUpdateExclusiveLock : AccessExclusiveLock, 0);
	lock = cmig_query_locks_add(locks, rename->relation, NoLock, 0);
	lock->action = CMIG_LOCK_RENAME;
	lock->name = rename->newname;
}

/* Add the locks of ALTER ... SET SCHEMA. */
static void
add_set_schema(List **locks, const AlterObjectSchemaStmt *alter)
{
	CmigLock   *lock;

	if (alter->relation == NULL || !is_relation_type(alter->objectType))
		return;
	cmig_query_locks_add_named(locks, alter->relation, AccessExclusiveLock, CMIG_LOCK_SEQUENCES);
	lock = cmig_query_locks_add(locks, alter->relation, NoLock, 0);
	lock->action = CMIG_LOCK_RENAME;
	lock->name = alter->newschema;
	lock->to_schema = true;
}

/* Add the locks of COMMENT, SECURITY LABEL, or ALTER EXTENSION ... ADD. */
static void
add_comment(List **locks, ObjectType type, Node *object)
{
	if (is_relation_type(type))
		cmig_query_locks_add_named(locks, cmig_query_locks_relation((List *) object), ShareUpdateExclusiveLock, 0);
	else if (type == OBJECT_COLUMN)
		cmig_query_locks_add_named(locks, cmig_query_locks_owner(object), ShareUpdateExclusiveLock, 0);
	else if (type == OBJECT_TABCONSTRAINT || is_part_of_relation(type))
		cmig_query_locks_add_named(locks, cmig_query_locks_owner(object), AccessShareLock, 0);
}

/* Add the locks of GRANT or REVOKE. */
static void
add_grant(List **locks, const GrantStmt *grant)
{
	ListCell   *lc;

	if (!CMIG_GRANT_LOCKS_COMPAT || grant->targtype != ACL_TARGET_OBJECT ||
		(grant->objtype != OBJECT_TABLE && grant->objtype != OBJECT_SEQUENCE))
		return;
	foreach(lc, grant->objects)
		cmig_query_locks_add_named(locks, lfirst_node(RangeVar, lc), AccessShareLock, 0);
}

/*
 * Add the locks of VACUUM or ANALYZE.  ANALYZE also reads the child tables of a
 * table.
 */
static void
add_vacuum(List **locks, const VacuumStmt *vacuum)
{
	LOCKMODE	mode = vacuum->is_vacuumcmd && cmig_statement_option(vacuum->options, "full", false) ?
	AccessExclusiveLock : ShareUpdateExclusiveLock;
	ListCell   *lc;

	if (vacuum->rels == NIL)
		add_unknown(locks, vacuum->is_vacuumcmd ? "VACUUM of all tables" : "ANALYZE of all tables");
	foreach(lc, vacuum->rels)
	{
		const RangeVar *relation = lfirst_node(VacuumRelation, lc)->relation;

		if (CMIG_VACUUM_PROCESSES_CHILDREN_COMPAT)
			cmig_query_locks_add_named(locks, relation, mode, relation->inh ? CMIG_LOCK_CHILDREN : 0);
		else
			cmig_query_locks_add_named(locks, relation, mode, CMIG_LOCK_PARTITIONS);
		if (!vacuum->is_vacuumcmd || cmig_statement_option(vacuum->options, "analyze", false))
			cmig_query_locks_add_named(locks, relation, AccessShareLock, CMIG_LOCK_CHILDREN);
	}
}

/* Add the locks of REINDEX for a table or an index. */
static void
add_reindex(List **locks, const ReindexStmt *reindex)
{
	bool		concurrent = cmig_statement_option(reindex->params, "concurrently", false);
	LOCKMODE	mode = concurrent ? ShareUpdateExclusiveLock : ShareLock;

	if (reindex->kind == REINDEX_OBJECT_TABLE)
		cmig_query_locks_add_named(locks, reindex->relation, mode, concurrent ? CMIG_LOCK_PARTITIONS :
								   CMIG_LOCK_PARTITIONS | CMIG_LOCK_STORED);
	else if (reindex->kind == REINDEX_OBJECT_INDEX)
	{
		(void) cmig_query_locks_add(locks, reindex->relation,
									concurrent ? mode : AccessExclusiveLock, CMIG_LOCK_TABLE);
		((CmigLock *) llast(*locks))->table_mode = mode;
	}
	else
		add_unknown(locks, reindex->kind == REINDEX_OBJECT_SCHEMA ? "REINDEX SCHEMA" :
					reindex->kind == REINDEX_OBJECT_SYSTEM ? "REINDEX SYSTEM" : "REINDEX DATABASE");
}

/* Add the locks of LOCK TABLE. */
static void
add_lock(List **locks, const LockStmt *lock)
{
	ListCell   *lc;

	foreach(lc, lock->relations)
	{
		const RangeVar *relation = lfirst(lc);

		cmig_query_locks_add_named(locks, relation, lock->mode, relation->inh ? CMIG_LOCK_CHILDREN | CMIG_LOCK_VIEWED : CMIG_LOCK_VIEWED);
	}
}

/* Add locks on the tables listed in a publication. */
static void
add_publication(List **locks, List *objects)
{
	ListCell   *lc;

	foreach(lc, objects)
	{
		PublicationObjSpec *object = lfirst_node(PublicationObjSpec, lc);

		if (object->pubobjtype == PUBLICATIONOBJ_TABLE && object->pubtable != NULL)
			cmig_query_locks_add_named(locks, object->pubtable->relation, ShareUpdateExclusiveLock,
									   object->pubtable->relation->inh ? CMIG_LOCK_INHERITED : 0);
	}
}

/*
 * Add the locks of ALTER PUBLICATION.  With SET, these include locks on the
 * tables that are removed from the publication.
 */
static void
add_alter_publication(List **locks, const AlterPublicationStmt *alter)
{
	add_publication(locks, alter->pubobjects);
	if (alter->pubobjects != NIL && alter->action == AP_SetObjects)
	{
		CmigLock   *lock = cmig_query_locks_add(locks, NULL, ShareUpdateExclusiveLock, 0);

		lock->action = CMIG_LOCK_PUBLICATION;
		lock->name = alter->pubname;
	}
}

/*
 * Statements
 */

/*
 * Add the locks of statements about triggers, rules, policies, and similar
 * objects.  Returns false for other statements.
 */
static bool
add_part_statement(List **locks, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateTrigStmt:
			cmig_query_locks_add_named(locks, ((CreateTrigStmt *) statement)->relation, ShareRowExclusiveLock,
									   ((CreateTrigStmt *) statement)->row ? CMIG_LOCK_PARTITIONS : 0);
			cmig_query_locks_add_named(locks, ((CreateTrigStmt *) statement)->constrrel, AccessShareLock, 0);
			return true;
		case T_AlterDomainStmt:
			add_alter_domain(locks, (AlterDomainStmt *) statement);
			return true;
		case T_RuleStmt:
			cmig_query_locks_add_named(locks, ((RuleStmt *) statement)->relation, AccessExclusiveLock, 0);
			return true;
		case T_CreatePolicyStmt:
			cmig_query_locks_add_named(locks, ((CreatePolicyStmt *) statement)->table, AccessExclusiveLock, 0);
			cmig_query_locks(locks, ((CreatePolicyStmt *) statement)->qual, false);
			cmig_query_locks(locks, ((CreatePolicyStmt *) statement)->with_check, false);
			return true;
		case T_AlterPolicyStmt:
			cmig_query_locks_add_named(locks, ((AlterPolicyStmt *) statement)->table, AccessExclusiveLock, 0);
			cmig_query_locks(locks, ((AlterPolicyStmt *) statement)->qual, false);
			cmig_query_locks(locks, ((AlterPolicyStmt *) statement)->with_check, false);
			return true;
		case T_CreateStatsStmt:

			/*
			 * skip anything but a relation name, because PostgreSQL rejects
			 * anything else
			 */
			if (IsA(linitial(((CreateStatsStmt *) statement)->relations), RangeVar))
				cmig_query_locks_add_named(locks, linitial(((CreateStatsStmt *) statement)->relations), ShareUpdateExclusiveLock, 0);
			return true;
		case T_CreatePublicationStmt:
			add_publication(locks, ((CreatePublicationStmt *) statement)->pubobjects);
			return true;
		case T_AlterPublicationStmt:
			add_alter_publication(locks, (AlterPublicationStmt *) statement);
			return true;
		default:
			return false;
	}
}

/*
 * Add the locks of maintenance commands, LOCK, COPY, and statements that run
 * code.  Returns false for other statements.
 */
static bool
add_maintenance_statement(List **locks, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_VacuumStmt:
			add_vacuum(locks, (VacuumStmt *) statement);
			return true;
		case T_ReindexStmt:
			add_reindex(locks, (ReindexStmt *) statement);
			return true;
		case T_ClusterStmt:
			cmig_query_locks_add_named(locks, ((ClusterStmt *) statement)->relation, AccessExclusiveLock, CMIG_LOCK_STORED);
			if (((ClusterStmt *) statement)->relation == NULL)
				add_unknown(locks, "CLUSTER of all tables");
			return true;
		case T_LockStmt:
			add_lock(locks, (LockStmt *) statement);
			return true;
		case T_CopyStmt:
			if (((CopyStmt *) statement)->is_from)
				cmig_query_locks_add_named(locks, ((CopyStmt *) statement)->relation, RowExclusiveLock, CMIG_LOCK_INSERTED);
			else
				cmig_query_locks_add_named(locks, ((CopyStmt *) statement)->relation, AccessShareLock, 0);
			cmig_query_locks(locks, ((CopyStmt *) statement)->query, true);
			return true;
		case T_DoStmt:
			add_unknown(locks, "DO");
			return true;
		case T_CallStmt:
			add_unknown(locks, "CALL");
			return true;
		case T_ExecuteStmt:
			add_unknown(locks, "EXECUTE");
			return true;
		default:
			return false;
	}
}

/*
 * Add the locks of statements about various objects.  Returns false for other
 * statements.
 */
static bool
add_other_statement(List **locks, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropStmt:
			add_drop(locks, (DropStmt *) statement);
			return true;
		case T_DropOwnedStmt:
			add_owned(locks, CMIG_LOCK_DROP_OWNED, ((DropOwnedStmt *) statement)->roles,
					  ((DropOwnedStmt *) statement)->behavior);
			return true;
		case T_ReassignOwnedStmt:
			add_owned(locks, CMIG_LOCK_REASSIGN_OWNED, ((ReassignOwnedStmt *) statement)->roles,
					  DROP_RESTRICT);
			return true;
		case T_RenameStmt:
			add_rename(locks, (RenameStmt *) statement);
			return true;
		case T_AlterObjectSchemaStmt:
			add_set_schema(locks, (AlterObjectSchemaStmt *) statement);
			return true;
		case T_CommentStmt:
			add_comment(locks, ((CommentStmt *) statement)->objtype, ((CommentStmt *) statement)->object);
			return true;
		case T_AlterExtensionContentsStmt:
			add_comment(locks, ((AlterExtensionContentsStmt *) statement)->objtype,
						((AlterExtensionContentsStmt *) statement)->object);
			return true;
		case T_AlterExtensionStmt:
			add_unknown(locks, "ALTER EXTENSION");
			return true;
		case T_SecLabelStmt:
			add_comment(locks, ((SecLabelStmt *) statement)->objtype, ((SecLabelStmt *) statement)->object);
			return true;
		case T_GrantStmt:
			add_grant(locks, (GrantStmt *) statement);
			return true;
		default:
			return false;
	}
}

/*
 * Add the locks of the statements in CREATE SCHEMA.  These statements create
 * objects in the new schema.
 */
static void
add_create_schema(List **locks, const CreateSchemaStmt *schema)
{
	CmigLock   *created;
	ListCell   *lc;

	if (schema->schemaname != NULL)
	{
		created = cmig_query_locks_add(locks, NULL, NoLock, 0);
		created->action = CMIG_LOCK_CREATE_SCHEMA;
		created->name = schema->schemaname;
	}

	foreach(lc, schema->schemaElts)
	{
		List	   *element = cmig_statement_locks(lfirst(lc));
		ListCell   *lock;

		foreach(lock, element)
		{
			CmigLock   *entry = lfirst(lock);

			if (entry->action == CMIG_LOCK_CREATE && entry->relation->schemaname == NULL)
			{
				RangeVar   *created = copyObject(unconstify(RangeVar *, entry->relation));

				created->schemaname = schema->schemaname;
				entry->relation = created;
			}
		}
		*locks = list_concat(*locks, element);
	}
}

List *
cmig_statement_locks(Node *statement)
{
	List	   *locks = NIL;

	if (add_table_statement(&locks, statement) || add_part_statement(&locks, statement) ||
		add_other_statement(&locks, statement) || add_maintenance_statement(&locks, statement))
		return locks;
	switch (nodeTag(statement))
	{
		case T_SelectStmt:
			if (((SelectStmt *) statement)->intoClause != NULL)
				cmig_query_locks_add_created(&locks, ((SelectStmt *) statement)->intoClause->rel, statement);
			/* fall through */
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			cmig_query_locks(&locks, statement, true);
			break;
		case T_CreateSchemaStmt:
			add_create_schema(&locks, (CreateSchemaStmt *) statement);
			break;
		case T_ExplainStmt:
			cmig_query_locks(&locks, ((ExplainStmt *) statement)->query, true);
			break;
		case T_DeclareCursorStmt:
			cmig_query_locks(&locks, ((DeclareCursorStmt *) statement)->query, true);
			break;
		default:
			break;
	}
	return locks;
}
