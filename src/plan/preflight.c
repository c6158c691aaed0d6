/*
 * preflight.c
 *	  cmig.preflight: what could stop an upgrade, or make it stop others, now.
 *
 * This file reads the scripts of a plan and writes down facts: what they lock,
 * rewrite, scan, change, and need.  The SQL function cmig.preflight_rows
 * compares these facts with the server's sessions, replication, settings, and
 * privileges, and words the rows, except those about the nodes of Citus.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#ifndef WIN32
#include <sys/statvfs.h>
#endif

#include "catalog/index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_tablespace.h"
#include "utils/json.h"

#include "plan/internal.h"
#include "store/store.h"

PG_FUNCTION_INFO_V1(cmig_preflight);

/* What has been read of a plan. */
typedef struct Preflight
{
	StringInfoData facts;		/* elements of a JSON array */
	CmigPlannedLocks *names;
	const char *revision;		/* NULL for facts about the whole plan */
	int			statement;		/* 0 for facts about the whole revision */
	const char *role;			/* the one that executes the statement, NULL
								 * if it is not known */
	List	   *tablespaces;	/* of Oid: those that get new files */
	bool		expands;		/* does the revision have the header expand? */
	CmigNames	expanded;		/* tables that such revisions change,
								 * qualified */
} Preflight;

/* A fact: a row of the argument of cmig.preflight_rows, which describes it. */
typedef struct Fact
{
	const char *kind;
	const char *name;
	const char *detail;
	Oid			class;
	Oid			object;
	int			mode;
	int64		bytes;
	int64		indexes;
	double		rows;
	List	   *columns;		/* of char * */
} Fact;

/* Add a key and a string to the last fact, unless the string is NULL. */
static void
put_text(Preflight *preflight, const char *key, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfo(&preflight->facts, ", \"%s\": ", key);
	escape_json(&preflight->facts, value);
}

static void
put(Preflight *preflight, const Fact *fact)
{
	StringInfo	facts = &preflight->facts;

	appendStringInfo(facts,
					 "%s{\"kind\": \"%s\", \"statement\": %d, \"class\": %u, \"object\": %u, \"mode\": %d, \"bytes\": " INT64_FORMAT
					 ", \"indexes\": " INT64_FORMAT ", \"rows\": %.0f, \"columns\": [",
					 facts->len > 0 ? ", " : "", fact->kind, preflight->statement, fact->class,
					 fact->object, fact->mode,
					 fact->bytes, fact->indexes, fact->rows);
	foreach_ptr(char, column, fact->columns)
	{
		if (foreach_current_index(column) > 0)
			appendStringInfoChar(facts, ',');
		escape_json(facts, column);
	}
	appendStringInfoChar(facts, ']');
	put_text(preflight, "revision", preflight->revision);
	put_text(preflight, "role", preflight->role);
	put_text(preflight, "name", fact->name);
	put_text(preflight, "detail", fact->detail);
	appendStringInfoChar(facts, '}');
}

/* Add a fact with a name, a detail, or a number. */
static void
put_other(Preflight *preflight, const char *kind, const char *name, const char *detail,
		  int64 number)
{
	Fact		fact = {.kind = kind,.name = name,.detail = detail,.bytes = number};

	put(preflight, &fact);
}

/* The role needs a privilege, or to be the owner. */
static void
need(Preflight *preflight, Oid class, Oid object, const char *privilege)
{
	Fact		fact = {.kind = "need",.class = class,.object = object,.detail = privilege};

	if (OidIsValid(object) && preflight->role != NULL)
		put(preflight, &fact);
}

/*
 * From here on, statements are executed by another role, of which the session's
 * user must be a member.
 */
static void
become(Preflight *preflight, const char *role)
{
	Oid			oid = role ? get_role_oid(role, true) : InvalidOid;

	preflight->role = GetUserNameFromId(GetSessionUserId(), false);
	if (OidIsValid(oid) && oid != GetUserId())
		need(preflight, AuthIdRelationId, oid, "MEMBER");
	preflight->role = OidIsValid(oid) ? pstrdup(role) : NULL;
}

/* Returns the live relation that a name means now, or InvalidOid. */
static Oid
find(Preflight *preflight, const RangeVar *relation)
{
	const char *gone;
	CmigLintTable *table = relation ? cmig_lint_state_look(preflight->names, relation, &gone) :
	NULL;

	return table && !table->temporary ? table->oid : InvalidOid;
}

static void
need_relation(Preflight *preflight, const RangeVar *relation, const char *privilege)
{
	need(preflight, RelationRelationId, find(preflight, relation), privilege);
}

/* The statement creates an object with this name, a List of String nodes. */
static void
need_schema(Preflight *preflight, List *name)
{
	const char *schema = list_length(name) > 1 ? strVal(list_nth(name, list_length(name) - 2)) :
	cmig_lint_state_creation_schema(preflight->names);

	if (schema != NULL && !cmig_lint_objects_schema_is_new(preflight->names, schema, false))
		need(preflight, NamespaceRelationId, get_namespace_oid(schema, true), "CREATE");
}

/*
 * The statement alters, drops, or describes an object.  Only the owner of a
 * table can do this with its columns and triggers.
 */
static void
need_object(Preflight *preflight, ObjectType type, Node *name, const char *privilege)
{
	ObjectAddress object;
	List	   *names = name && IsA(name, List) ? (List *) name : NIL;

	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
			need_relation(preflight, names ? cmig_locks_relation(names) : (RangeVar *) name,
						  privilege);
			break;
		case OBJECT_COLUMN:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			need_relation(preflight, cmig_locks_owner(name), "OWNER");
			break;
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			if (names != NIL)
				name = (Node *) makeTypeNameFromNameList(names);
			pg_fallthrough;
		default:
			if (name != NULL && cmig_dropped_locks_find(type, name, &object))
				need(preflight, object.classId, object.objectId, privilege);
	}
}

/* The statement publishes tables. */
static void
need_published(Preflight *preflight, List *objects)
{
	foreach_node(PublicationObjSpec, object, objects)
	{
		if (object->pubtable != NULL)
			need_relation(preflight, object->pubtable->relation, "OWNER");
	}
}

/* The statement names roles: a list of RoleSpec, or of AccessPriv for GRANT. */
static void
need_roles(Preflight *preflight, List *roles, const char *privilege)
{
	ListCell   *lc;

	foreach(lc, roles)
		need(preflight, AuthIdRelationId,
			 IsA(lfirst(lc), RoleSpec) ? get_rolespec_oid(lfirst(lc), true) :
			 get_role_oid(lfirst_node(AccessPriv, lc)->priv_name, true), privilege);
}

/* A published table is changed, in a way that "detail" names. */
static void
changes(Preflight *preflight, Oid relation, const char *detail, const char *name)
{
	Fact		fact = {.kind = "change",.object = relation,.detail = detail,.name = name};

	if (OidIsValid(relation))
		put(preflight, &fact);
}

/*
 * The statement reads, rewrites, or indexes a relation and, if "inh", its
 * descendants: add a fact for each of them that has a file.
 */
static void
works(Preflight *preflight, Oid relation, bool inh, const char *detail, List *columns)
{
	ListCell   *lc;

	foreach(lc, !OidIsValid(relation) ? NIL : inh ? cmig_related(CMIG_RELATED_TREE, relation) :
			list_make1_oid(relation))
	{
		FormData_pg_class row;
		Fact		fact =
		{.kind = "work",.detail = detail,.object = lfirst_oid(lc),.columns = columns};

		if (!cmig_role_relation(fact.object, &row) ||
			(row.relkind != RELKIND_RELATION && row.relkind != RELKIND_MATVIEW))
			continue;
		fact.class = OidIsValid(row.reltablespace) ? row.reltablespace : MyDatabaseTableSpace;
		fact.rows = row.reltuples;
		fact.bytes = cmig_citus_manages(row.oid) ? -1 : cmig_size_of(row.oid);
		foreach_oid(each, cmig_related(CMIG_RELATED_INDEXES, row.oid))
			fact.indexes += cmig_size_of(each);
		preflight->tablespaces = list_append_unique_oid(preflight->tablespaces, fact.class);
		put(preflight, &fact);
	}
}

/* The statement adds constraints to a table, or to one that it creates, if "table" is NULL. */
static void
add_constraints(Preflight *preflight, const RangeVar *table, const void *statement)
{
	foreach_ptr(const CmigLintAdded, added,
				cmig_lint_added(preflight->names, unconstify(void *, statement)))
	{
		const Constraint *constraint = added->constraint;
		List	   *columns = added->column ? list_make1(added->column->colname) :
		cmig_lint_model_names(constraint->keys);
		bool		key = constraint->contype == CONSTR_PRIMARY;
		bool		excludes = constraint->contype == CONSTR_EXCLUSION;

		if (constraint->contype == CONSTR_FOREIGN)
			need_relation(preflight, constraint->pktable, "REFERENCES");
		foreach_ptr(List, item, excludes ? constraint->exclusions : NIL)
			columns = lappend(columns, linitial_node(IndexElem, item)->name);
		if (key)
			changes(preflight, find(preflight, table), "ADD PRIMARY KEY", NULL);
		if ((key || constraint->contype == CONSTR_UNIQUE || excludes) &&
			constraint->indexname == NULL && table != NULL)
			works(preflight, find(preflight, table), table->inh, "index",
				  list_delete_ptr(columns, NULL));
	}
}

/* What ALTER TABLE needs, and what it changes in a published table. */
static void
look_at_alter(Preflight *preflight, const AlterTableStmt *alter)
{
	Oid			table = find(preflight, alter->relation);

	add_constraints(preflight, alter->relation, alter);
	foreach_ptr(const AlterTableCmd, command, alter->cmds)
	{
		switch (command->subtype)
		{
			case AT_AddColumn:
				changes(preflight, table, "ADD COLUMN", ((ColumnDef *) command->def)->colname);
				break;
			case AT_DropColumn:
				changes(preflight, table, "DROP COLUMN", command->name);
				break;
			case AT_AlterColumnType:
				changes(preflight, table, "ALTER TYPE", command->name);
				break;
			case AT_DropConstraint:
				changes(preflight, table, "DROP CONSTRAINT", command->name);
				break;
			case AT_ReplicaIdentity:
				changes(preflight, table,
						((ReplicaIdentityStmt *) command->def)->identity_type == REPLICA_IDENTITY_NOTHING ?
						"REPLICA IDENTITY NOTHING" : "REPLICA IDENTITY", NULL);
				break;
			case AT_ChangeOwner:
				need(preflight, AuthIdRelationId, get_rolespec_oid(command->newowner, true),
					 "MEMBER");
				break;
			case AT_AttachPartition:
			case AT_DetachPartition:
				need_relation(preflight, castNode(PartitionCmd, command->def)->name, "OWNER");
				break;
			case AT_AddInherit:
				need_relation(preflight, (RangeVar *) command->def, "OWNER");
				break;
			default:
				break;
		}
	}
}

/*
 * The statement calls a function.  Of several with this name, one is enough:
 * the arguments are not known.
 */
static void
need_function(Preflight *preflight, List *name)
{
	List	   *functions = cmig_call_functions(preflight->names, name);

	if (functions != NIL)
		need(preflight, ProcedureRelationId, ((Form_pg_proc) linitial(functions))->oid, "EXECUTE");
}

static void look_at_node(Preflight *preflight, Node *node);

/* What a call needs, and what the statements need that pg_cmig's functions run. */
static void
look_at_call(Preflight *preflight, const FuncCall *call)
{
	static const char *const does[][2] = {
		{"backfill", "backfill"}, {"add_not_null", "scan"}, {"add_check", "scan"},
		{"add_foreign_key", "scan"}, {"add_unique", "index"}
	};
	const RangeVar *table = call->args == NIL ? NULL : cmig_locks_constant(linitial(call->args));
	const char *columns = list_length(call->args) > 1 ?
	cmig_lint_expression_constant(lsecond(call->args)) : NULL;
	bool		known;
	List	   *statements;

	need_function(preflight, call->funcname);
	(void) cmig_calls_expand(preflight->names, call, &known, &statements);
	foreach_ptr(CmigStatement, statement, statements)
		look_at_node(preflight, statement->raw->stmt);
	if (table == NULL || list_length(call->funcname) != 2 ||
		strcmp(strVal(linitial(call->funcname)), "cmig") != 0)
		return;
	for (int i = 0; i < lengthof(does); i++)
	{
		if (strcmp(strVal(llast(call->funcname)), does[i][0]) != 0)
			continue;
		need_relation(preflight, table, i == 0 ? "UPDATE" : "OWNER");
		works(preflight, find(preflight, table), true, does[i][1],
			  columns ? list_make1(unconstify(char *, columns)) : NIL);
	}
}

/* What DROP needs: to own the object or its schema. */
static void
look_at_drop(Preflight *preflight, const DropStmt *drop)
{
	foreach_ptr(List, object, drop->objects)
	{
		Oid			relation = drop->removeType != OBJECT_INDEX &&
		drop->removeType != OBJECT_TABLE ? InvalidOid :
		find(preflight, cmig_locks_relation(object));

		need_object(preflight, drop->removeType, (Node *) object, "DROP");
		if (drop->removeType == OBJECT_TABLE)
			changes(preflight, relation, "DROP TABLE", NULL);
		else if (OidIsValid(relation))
			changes(preflight, IndexGetRelation(relation, true), "DROP INDEX",
					get_rel_name(relation));
	}
}

/* What CREATE TABLE needs of other tables. */
static void
look_at_create(Preflight *preflight, const CreateStmt *create)
{
	add_constraints(preflight, NULL, create);
	foreach_ptr(RangeVar, parent, create->inhRelations)
		need_relation(preflight, parent, "OWNER");
	foreach_ptr(TableLikeClause, element, create->tableElts)
	{
		if (IsA(element, TableLikeClause))
			need_relation(preflight, element->relation, "SELECT");
	}
}

/* The privileges that a query needs. */
static void
look_at_query(Preflight *preflight, Node *query)
{
	const RangeVar *target = IsA(query, UpdateStmt) ? ((UpdateStmt *) query)->relation :
	IsA(query, DeleteStmt) ? ((DeleteStmt *) query)->relation :
	IsA(query, MergeStmt) ? ((MergeStmt *) query)->relation : NULL;
	bool		whole = (IsA(query, UpdateStmt) && ((UpdateStmt *) query)->whereClause == NULL) ||
	(IsA(query, DeleteStmt) && ((DeleteStmt *) query)->whereClause == NULL);

	foreach_ptr(const CmigLock, lock, cmig_statement_locks(query))
	{
		if (lock->action == CMIG_LOCK_TAKE && lock->relation != NULL &&
			lock->mode == AccessShareLock)
			need_relation(preflight, lock->relation, "SELECT");
	}
	foreach_node(MergeWhenClause, each,
				 IsA(query, MergeStmt) ? ((MergeStmt *) query)->mergeWhenClauses : NIL)
	{
		CmdType		does = each->commandType;

		if (does != CMD_NOTHING)
			need_relation(preflight, target,
						  does == CMD_INSERT ? "INSERT" : does == CMD_UPDATE ? "UPDATE" : "DELETE");
	}
	if (whole)
		works(preflight, find(preflight, target), target->inh, "update", NIL);
}

/* What the statement needs of the object that it is about. */
static void
look_at_subject(Preflight *preflight, Node *node)
{
	const char *privilege = cmig_statement_privilege(node);
	CmigSubject subject;

	if (IsA(node, CreateSchemaStmt) || IsA(node, CreateStatsStmt) ||
		!cmig_statement_subject(node, &subject) || subject.object == NULL)
		return;
	if ((subject.flags & CMIG_STATEMENT_CREATES) && privilege == NULL)
	{
		List	   *name = (List *) subject.object;

		if (IsA(name, List) && IsA(linitial(name), String) && IsA(llast(name), String))
			need_schema(preflight, name);
	}
	else if (privilege != NULL && IsA(subject.object, RangeVar))
		need_relation(preflight, (RangeVar *) subject.object, privilege);
	else if (privilege != NULL)
		need_object(preflight, subject.type, subject.object, privilege);
}

/* Add what statements about roles, extensions, and publications need. */
static void
look_at_global(Preflight *preflight, Node *node)
{
	switch (nodeTag(node))
	{
		case T_GrantRoleStmt:
			need_roles(preflight, ((GrantRoleStmt *) node)->granted_roles, "ADMIN");
			break;
		case T_AlterDefaultPrivilegesStmt:
			foreach_node(DefElem, option, ((AlterDefaultPrivilegesStmt *) node)->options)
			{
				if (strcmp(option->defname, "roles") == 0)
					need_roles(preflight, (List *) option->arg, "MEMBER");
			}
			break;
		case T_CreateExtensionStmt:
			put_other(preflight, "extension", ((CreateExtensionStmt *) node)->extname, NULL, 0);
			break;
		case T_CreateRoleStmt:
			put_other(preflight, "attribute", ((CreateRoleStmt *) node)->role, "CREATEROLE", 0);
			break;
		case T_CreateEventTrigStmt:
			put_other(preflight, "attribute", ((CreateEventTrigStmt *) node)->trigname, "SUPERUSER",
					  0);
			break;
		case T_DropRoleStmt:
			put_other(preflight, "attribute", NULL, "CREATEROLE", 0);
			break;
		case T_AlterPublicationStmt:
			need(preflight, PublicationRelationId,
				 get_publication_oid(((AlterPublicationStmt *) node)->pubname, true), "OWNER");
			need_published(preflight, ((AlterPublicationStmt *) node)->pubobjects);
			break;
		case T_CreatePublicationStmt:
			need(preflight, DatabaseRelationId, MyDatabaseId, "CREATE");
			need_published(preflight, ((CreatePublicationStmt *) node)->pubobjects);
			if (((CreatePublicationStmt *) node)->for_all_tables)
				put_other(preflight, "attribute", NULL, "SUPERUSER", 0);
			put_other(preflight, "logical", ((CreatePublicationStmt *) node)->pubname, NULL, 0);
			break;
		default:
			break;
	}
}

/* Add the facts about a statement. */
static void
look_at_node(Preflight *preflight, Node *node)
{
	const IndexStmt *index = (IndexStmt *) node;
	const RenameStmt *rename = (RenameStmt *) node;
	const AlterObjectSchemaStmt *move = (AlterObjectSchemaStmt *) node;
	const VariableSetStmt *set = (VariableSetStmt *) node;
	const GrantStmt *grant = (GrantStmt *) node;
	List	   *columns = NIL;
	Oid			oid;

	look_at_subject(preflight, node);
	foreach_ptr(const CmigLock, lock, cmig_statement_locks(node))
	{
		if (lock->action == CMIG_LOCK_CALL)
			look_at_call(preflight, (const FuncCall *) lock->object);
		/* an index is created where its table is */
		if (lock->action == CMIG_LOCK_CREATE &&
			lock->relation->relpersistence != RELPERSISTENCE_TEMP && !IsA(node, IndexStmt))
			need_schema(preflight, lock->relation->schemaname ?
						list_make2(makeString(lock->relation->schemaname), makeString(lock->relation->relname)) :
						list_make1(makeString(lock->relation->relname)));
	}
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			look_at_alter(preflight, (AlterTableStmt *) node);
			break;
		case T_IndexStmt:
			foreach_node(IndexElem, element, index->indexParams)
			{
				if (element->name != NULL)
					columns = lappend(columns, element->name);
			}
			works(preflight, find(preflight, index->relation), index->relation->inh, "index", columns);
			break;
		case T_ReindexStmt:
			oid = find(preflight, ((ReindexStmt *) node)->relation);
			need(preflight, RelationRelationId, oid, "OWNER");
			if (OidIsValid(oid) && strchr("iI", get_rel_relkind(oid)))
				oid = IndexGetRelation(oid, true);
			works(preflight, oid, true, "reindex", NIL);
			break;
		case T_RenameStmt:
			if (rename->renameType == OBJECT_TABLE || rename->renameType == OBJECT_COLUMN)
				changes(preflight, find(preflight, rename->relation), "RENAME TO", rename->newname);
			break;
		case T_AlterObjectSchemaStmt:
			need(preflight, NamespaceRelationId, get_namespace_oid(move->newschema, true), "CREATE");
			changes(preflight, find(preflight, move->relation), "SET SCHEMA", move->newschema);
			break;
		case T_AlterOwnerStmt:
			need(preflight, AuthIdRelationId, get_rolespec_oid(((AlterOwnerStmt *) node)->newowner, true), "MEMBER");
			break;
		case T_DropStmt:
			look_at_drop(preflight, (DropStmt *) node);
			break;
		case T_CreateStmt:
			look_at_create(preflight, (CreateStmt *) node);
			break;
		case T_CreateTrigStmt:
			need_function(preflight, ((CreateTrigStmt *) node)->funcname);
			break;
		case T_CreateStatsStmt:
			if (IsA(linitial(((CreateStatsStmt *) node)->relations), RangeVar))
				need_relation(preflight, linitial(((CreateStatsStmt *) node)->relations), "OWNER");
			break;
		case T_GrantStmt:
			foreach_ptr(Node, item, grant->targtype == ACL_TARGET_OBJECT ? grant->objects : NIL)
				need_object(preflight, grant->objtype, item, "GRANT");
			break;
		case T_TruncateStmt:
			foreach_ptr(RangeVar, each, ((TruncateStmt *) node)->relations)
				need_relation(preflight, each, "TRUNCATE");
			break;
		case T_CreateSchemaStmt:
			need(preflight, DatabaseRelationId, MyDatabaseId, "CREATE");
			break;
		case T_CreateTableAsStmt:
		case T_DeclareCursorStmt:
			look_at_query(preflight, node);
			break;
		case T_VariableSetStmt:
			if (set->name != NULL && (strcmp(set->name, "role") == 0 || strcmp(set->name, "session_authorization") == 0))
			{
				const char *role = set->kind == VAR_SET_VALUE ? cmig_lint_expression_constant(linitial(set->args)) :
				set->kind == VAR_RESET || set->kind == VAR_SET_DEFAULT ? GetUserNameFromId(GetSessionUserId(), false) : NULL;

				become(preflight, role && strcmp(role, "none") == 0 ? GetUserNameFromId(GetSessionUserId(), false) : role);
				if (preflight->role == NULL)
					put_other(preflight, "role", NULL, NULL, 0);
			}
			break;
		default:
			if (cmig_statement_flags(node) & CMIG_STATEMENT_QUERY)
				look_at_query(preflight, node);
			else
				look_at_global(preflight, node);
			break;
	}
}

/* cmig_script_locks_read() callback */
static void
look_at(CmigPlannedLocks *names, const CmigStatement *statement, void *arg)
{
	Preflight  *preflight = arg;

	preflight->statement = statement->number;
	look_at_node(preflight, statement->raw->stmt);
}

/* Add what a revision locks. */
static void
put_locks(Preflight *preflight, const CmigScriptLocks *locks)
{
	preflight->statement = 0;
	foreach_ptr(const CmigPlannedLock, lock, locks->locks)
	{
		Fact		fact = {.kind = OidIsValid(lock->oid) ? "lock" : lock->is_new ? "new" :
			"missing",
			.name = lock->name,.object = lock->oid,.mode = lock->mode,.class = lock->routed
		};

		/* a bit for each mode that conflicts with the lock */
		for (LOCKMODE mode = AccessShareLock; mode <= AccessExclusiveLock; mode++)
			if (DoLockModesConflict(lock->mode, mode))
				fact.bytes |= INT64CONST(1) << mode;
		put(preflight, &fact);
		if (preflight->expands && OidIsValid(lock->oid) && lock->mode == AccessExclusiveLock &&
			get_rel_relkind(lock->oid) == RELKIND_RELATION)
		{
			works(preflight, lock->oid, false, "expand", NIL);
			preflight->expanded.names = repalloc(preflight->expanded.names,
												 sizeof(char *) * (preflight->expanded.count + 1));
			preflight->expanded.names[preflight->expanded.count++] =
				cmig_query_relation_name(lock->oid);
		}
	}
	foreach_ptr(char, each, locks->unknown)
		put_other(preflight, "unknown", each, NULL, 0);
	foreach_ptr(char, failure, locks->failures)
		put_other(preflight, "failure", NULL, failure, 0);
	if (locks->error != NULL)
		put_other(preflight, "failure", NULL,
				  psprintf("statement %d: %s", locks->statement, locks->error->message), 0);
}

/*
 * Add what cmig.expand would list, or which revision is expanded.
 */
static void
put_expansion(Preflight *preflight)
{
	const CmigExpansion *expansion = cmig_expansion_read();
	char	   *unseen;

	if (expansion != NULL)
		put_other(preflight, "expansion", expansion->revision, expansion->state, 0);
	else if (preflight->expanded.count > 0)
	{
		foreach_ptr(CmigValue, row,
					cmig_expansion_readers(&preflight->expanded, &preflight->expanded, &unseen))
			put_other(preflight, "reader", row[0], row[1], 0);
		if (unseen != NULL)
			put_other(preflight, "unseen", NULL, unseen, 0);
	}
}

/*
 * Add the free space of the tablespaces that get new files, and of the WAL
 * (without an object), if the caller may see the size of any tablespace.
 */
static void
put_free_space(Preflight *preflight)
{
#ifndef WIN32

	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		return;
	foreach_oid(oid, list_append_unique_oid(list_copy(preflight->tablespaces), InvalidOid))
	{
		const char *path = !OidIsValid(oid) ? "pg_wal" : oid == DEFAULTTABLESPACE_OID ? "base" :
		psprintf("pg_tblspc/%u", oid);
		struct statvfs space;
		Fact		fact = {.kind = "free",.object = oid};

		if (statvfs(path, &space) != 0)
			continue;
		fact.bytes = (int64) space.f_bavail * (int64) space.f_frsize;
		put(preflight, &fact);
	}
#endif
}

CMIG_READER(cmig_preflight)
{
	static CmigQuery query = {
		.sql = "SELECT item, severity, value, hint FROM cmig.preflight_rows($1::jsonb, statement_timestamp())",
		.argtypes = {TEXTOID}
	};
	CmigNames  *targets = cmig_argument_target(fcinfo, 0);
	Preflight  *preflight = palloc0(sizeof(Preflight));
	CmigSituation now;
	CmigPlan   *plan;
	CmigStepTexts *texts;
	List	   *findings;
	List	   *progress;
	int			errors;
	int			warnings;
	int			runner;
	int			holder;
	TransactionId prepared;

	if (targets->names[0] == NULL)
		targets->names[0] = "head";
	InitMaterializedSRF(fcinfo, 0);
	cmig_version_rows_check_snapshot();
	now = cmig_move_read(true);
	plan = cmig_move_plan_upgrade(&now, targets);
	initStringInfo(&preflight->facts);
	preflight->expanded.names = palloc(sizeof(char *));
	preflight->names = cmig_planned_locks_start();
	texts = cmig_step_texts_make(now.graph, plan);
	for (int i = 0; i < plan->count; i++)
	{
		const CmigRunStep *step = cmig_step_texts_get(texts, i);

		preflight->revision = pstrdup(step->revision);
		preflight->statement = 0;
		become(preflight, cmig_session_role());
		put_other(preflight, "step", NULL, step->transactional ? NULL : "stepwise", 0);
		preflight->expands = step->expand && !cmig_settings_engine();
		if (preflight->expands)
			put_other(preflight, "expand", NULL, NULL, 0);
		put_locks(preflight,
				  cmig_script_locks_read(preflight->names, step->sql, look_at, preflight));
	}
	findings = plan->count > 0 ? cmig_lint_findings(&now, plan) : NIL;
	foreach_ptr(const CmigLintFinding, finding, findings)
	{
		preflight->revision = finding->revision;
		preflight->statement = finding->statement;
		if (finding->rule->flags & CMIG_LINT_SLOW)
			works(preflight, finding->relation, true, finding->rewrites ? "rewrite" : "scan", NIL);
		if (strcmp(finding->rule->name, "require-lock-timeout") == 0)
			put_other(preflight, "no timeout", NULL, NULL, 0);
	}
	preflight->revision = preflight->role = NULL;
	preflight->statement = 0;
	put_expansion(preflight);
	put_free_space(preflight);
	cmig_lint_count(findings, &errors, &warnings);
	if (errors + warnings > 0)
		put_other(preflight, "lint", psprintf("%d", warnings),
				  cmig_lint_policy_is_error() ? "stops" : NULL, errors);
	holder = cmig_run_lock_transaction_holder(&prepared);
	runner = cmig_run_lock_holder();
	put_other(preflight, "run", NULL,
			  TransactionIdIsValid(prepared) ? psprintf("%u", prepared) : NULL,
			  runner != 0 ? runner : holder);
	progress = runner == 0 ? cmig_progress_read() : NIL;
	if (progress != NIL)
		put_other(preflight, "partial", NULL, cmig_progress_place(llast(progress)), 0);
	cmig_library_version_read();
	put_other(preflight, "library", NULL, cmig_library_version_hint(), 0);
	foreach_ptr(CmigValue, row, cmig_citus_node_problems())
	{
		Fact		fact =
		{.kind = "node",.name = row[0],.detail = row[2],.columns = list_make2(row[1], row[3])};

		put(preflight, &fact);
	}
	put_other(preflight, "target", NULL, plan->target ? plan->target : "'head'", 0);
	foreach_ptr(CmigValue, row, cmig_query_list(&query, psprintf("[%s]", preflight->facts.data)))
		cmig_result_add_text(fcinfo, row[0], row[1], row[2], cmig_hint_text(row[3]));
	return (Datum) 0;
}
