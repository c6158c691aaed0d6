/*
 * statement_kind.c
 *	  What is known of a statement from its kind alone.
 *
 * One table has a row for each kind of statement (NodeTag) about which
 * something is known, so that a new kind is added in one place.  Code that does
 * different work for each kind has a switch of its own.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "nodes/parsenodes.h"

#include "parse/parse.h"

/* Flags that are used only here */
#define IS_STRING 0x10000		/* the object's field is a char * */
#define IS_LIST 0x20000			/* the object's field is a list of objects:
								 * the first one counts */

#define CREATES_UNSEEN CMIG_STATEMENT_CREATES
#define DEFINES CMIG_STATEMENT_DEFINES
#define CREATES (CREATES_UNSEEN | DEFINES)
#define RENAMABLE (CREATES | CMIG_STATEMENT_RENAMABLE)
#define PRIVILEGED (CREATES | CMIG_STATEMENT_PRIVILEGED)
#define NAMED CMIG_STATEMENT_NAMED
#define DEPENDENTS CMIG_STATEMENT_DEPENDENTS
#define ADDS (CMIG_STATEMENT_ADDS | NAMED)
#define CODE CMIG_STATEMENT_CODE
#define QUERY (CMIG_STATEMENT_QUERY | CMIG_STATEMENT_ROWS | CODE)
#define WRITE (QUERY | CMIG_STATEMENT_WRITE)
#define SERVER CMIG_STATEMENT_SERVER
#define ROLES CMIG_STATEMENT_ROLES
#define UPKEEP CMIG_STATEMENT_UPKEEP
#define ALONE (SERVER | CMIG_STATEMENT_ALONE)

typedef struct StatementKind
{
	NodeTag		tag;
	ObjectType	type;			/* of the object that it is about */
	size_t		object;			/* offset of the field with the object; 0 if
								 * it is about no object */
	int			flags;			/* CMIG_STATEMENT_..., and those above */
	LOCKMODE	lock;			/* on the object, whatever the statement says
								 * of it; or NoLock */
	const char *privilege;		/* that a statement about an existing object
								 * needs on it, or NULL */
	size_t		type_field;		/* 0, or offset of the field with the object's
								 * type */
	size_t		missing_ok;		/* 0, or offset of the field for IF EXISTS */
	size_t		query;			/* 0, or offset of the query in it */
} StatementKind;

/* A kind whose object always has the same type, and one that has a field for it */
#define FIXED(node, field, type, ...) \
	{T_##node, type, offsetof(node, field), __VA_ARGS__}
#define TYPED(node, field, own_type, ...) \
	{T_##node, OBJECT_TABLE, offsetof(node, field), __VA_ARGS__, .type_field = offsetof(node, own_type)}

#define LOCKS(mode) .lock = mode
#define NEEDS(name) .privilege = name
#define OWNER .privilege = "OWNER"
#define IF_EXISTS(node) .missing_ok = offsetof(node, missing_ok)
#define CONTAINS(node) .query = offsetof(node, query)

static const StatementKind kinds[] = {
	FIXED(CreateStmt, relation, OBJECT_TABLE, RENAMABLE | ADDS),
	FIXED(CreateForeignTableStmt, base.relation, OBJECT_FOREIGN_TABLE,
		  RENAMABLE | CMIG_STATEMENT_PRIVILEGED),
	TYPED(CreateTableAsStmt, into, objtype, RENAMABLE | NAMED | CODE, CONTAINS(CreateTableAsStmt)),
	/* one that replaces a view needs to own it */
	FIXED(ViewStmt, view, OBJECT_VIEW, RENAMABLE | NAMED, OWNER),
	FIXED(CreateSeqStmt, sequence, OBJECT_SEQUENCE, RENAMABLE | ADDS),
	FIXED(CompositeTypeStmt, typevar, OBJECT_TYPE, RENAMABLE | ADDS),
	FIXED(CreateEnumStmt, typeName, OBJECT_TYPE, RENAMABLE | ADDS),
	FIXED(CreateRangeStmt, typeName, OBJECT_TYPE, RENAMABLE | NAMED),
	FIXED(CreateDomainStmt, domainname, OBJECT_DOMAIN, RENAMABLE | ADDS),
	FIXED(CreateSchemaStmt, schemaname, OBJECT_SCHEMA, RENAMABLE | IS_STRING),
	FIXED(CreateFunctionStmt, funcname, OBJECT_FUNCTION, RENAMABLE | PRIVILEGED | NAMED),
	FIXED(CreateConversionStmt, conversion_name, OBJECT_CONVERSION, CREATES),
	FIXED(CreateStatsStmt, defnames, OBJECT_STATISTIC_EXT, CREATES | NAMED),
	TYPED(DefineStmt, defnames, kind, PRIVILEGED),
	FIXED(CreateOpClassStmt, opclassname, OBJECT_OPCLASS, PRIVILEGED),
	FIXED(CreateOpFamilyStmt, opfamilyname, OBJECT_OPFAMILY, PRIVILEGED),
	FIXED(CreateCastStmt, sourcetype, OBJECT_CAST, PRIVILEGED),
	FIXED(CreateTransformStmt, type_name, OBJECT_TRANSFORM, PRIVILEGED),
	FIXED(CreateExtensionStmt, extname, OBJECT_EXTENSION, PRIVILEGED | IS_STRING),
	FIXED(CreateEventTrigStmt, trigname, OBJECT_EVENT_TRIGGER, PRIVILEGED | IS_STRING),
	FIXED(CreateFdwStmt, fdwname, OBJECT_FDW, PRIVILEGED | IS_STRING),
	FIXED(CreateForeignServerStmt, servername, OBJECT_FOREIGN_SERVER, PRIVILEGED | IS_STRING),
	FIXED(CreateAmStmt, amname, OBJECT_ACCESS_METHOD, PRIVILEGED | IS_STRING),
	FIXED(CreatePLangStmt, plname, OBJECT_LANGUAGE, CREATES_UNSEEN | CMIG_STATEMENT_PRIVILEGED | IS_STRING),
	FIXED(CreatePublicationStmt, pubname, OBJECT_PUBLICATION, PRIVILEGED | IS_STRING),
	FIXED(CreateSubscriptionStmt, subname, OBJECT_SUBSCRIPTION,
		  CREATES_UNSEEN | CMIG_STATEMENT_PRIVILEGED | IS_STRING),
	/* parts of an existing relation */
	FIXED(IndexStmt, relation, OBJECT_INDEX, CMIG_STATEMENT_RENAMABLE | ADDS | DEFINES, OWNER),
	FIXED(CreateTrigStmt, relation, OBJECT_TABLE, NAMED | DEFINES, NEEDS("TRIGGER")),
	FIXED(RuleStmt, relation, OBJECT_TABLE, DEFINES, LOCKS(AccessExclusiveLock), OWNER),
	FIXED(CreatePolicyStmt, table, OBJECT_TABLE, NAMED | DEFINES, LOCKS(AccessExclusiveLock), OWNER),
	FIXED(AlterPolicyStmt, table, OBJECT_TABLE, DEPENDENTS | DEFINES, LOCKS(AccessExclusiveLock), OWNER),
	/* existing relations */
	TYPED(AlterTableStmt, relation, objtype, DEFINES, OWNER, IF_EXISTS(AlterTableStmt)),
	FIXED(AlterSeqStmt, sequence, OBJECT_SEQUENCE, DEPENDENTS | DEFINES, LOCKS(ShareRowExclusiveLock), OWNER,
		  IF_EXISTS(AlterSeqStmt)),
	FIXED(RefreshMatViewStmt, relation, OBJECT_MATVIEW, CODE | CMIG_STATEMENT_WRITE, OWNER),
	FIXED(ClusterStmt, relation, OBJECT_TABLE, 0, OWNER),
	FIXED(TruncateStmt, relations, OBJECT_TABLE,
		  IS_LIST | CMIG_STATEMENT_ROWS | CMIG_STATEMENT_WRITE),
	FIXED(LockStmt, relations, OBJECT_TABLE, IS_LIST),
	FIXED(CopyStmt, relation, OBJECT_TABLE, CMIG_STATEMENT_ROWS | CODE, CONTAINS(CopyStmt)),
	FIXED(InsertStmt, relation, OBJECT_TABLE, WRITE | NAMED, NEEDS("INSERT")),
	FIXED(UpdateStmt, relation, OBJECT_TABLE, WRITE | NAMED, NEEDS("UPDATE")),
	FIXED(DeleteStmt, relation, OBJECT_TABLE, WRITE | NAMED, NEEDS("DELETE")),
	FIXED(MergeStmt, relation, OBJECT_TABLE, WRITE),
	/* existing objects of any type */
	TYPED(RenameStmt, object, renameType, DEFINES, OWNER, IF_EXISTS(RenameStmt)),
	TYPED(AlterObjectSchemaStmt, object, objectType, DEFINES, OWNER, IF_EXISTS(AlterObjectSchemaStmt)),
	TYPED(AlterOwnerStmt, object, objectType, DEFINES, OWNER),
	TYPED(CommentStmt, object, objtype, ADDS | DEFINES, OWNER),
	TYPED(SecLabelStmt, object, objtype, 0),
	TYPED(DropStmt, objects, removeType, IS_LIST | DEFINES, IF_EXISTS(DropStmt)),
	TYPED(GrantStmt, objects, objtype, IS_LIST | DEFINES),
	/* existing objects of one type */
	TYPED(AlterFunctionStmt, func, objtype, DEPENDENTS | DEFINES, OWNER),
	FIXED(AlterEnumStmt, typeName, OBJECT_TYPE, NAMED | DEFINES, OWNER),
	FIXED(AlterTypeStmt, typeName, OBJECT_TYPE, DEFINES, OWNER),
	FIXED(AlterDomainStmt, typeName, OBJECT_DOMAIN, DEPENDENTS | DEFINES, OWNER),
	FIXED(AlterOperatorStmt, opername, OBJECT_OPERATOR, 0, OWNER),
	FIXED(AlterOpFamilyStmt, opfamilyname, OBJECT_OPFAMILY, 0, OWNER),
	FIXED(AlterCollationStmt, collname, OBJECT_COLLATION, 0, OWNER),
	FIXED(AlterStatsStmt, defnames, OBJECT_STATISTIC_EXT, DEFINES, OWNER),
	FIXED(AlterTSDictionaryStmt, dictname, OBJECT_TSDICTIONARY, 0, OWNER),
	FIXED(AlterTSConfigurationStmt, cfgname, OBJECT_TSCONFIGURATION, 0, OWNER),
	FIXED(AlterExtensionStmt, extname, OBJECT_EXTENSION, IS_STRING, OWNER),
	FIXED(AlterExtensionContentsStmt, extname, OBJECT_EXTENSION, IS_STRING, OWNER),
	FIXED(AlterEventTrigStmt, trigname, OBJECT_EVENT_TRIGGER, IS_STRING, OWNER),
	FIXED(AlterFdwStmt, fdwname, OBJECT_FDW, IS_STRING, OWNER),
	FIXED(AlterForeignServerStmt, servername, OBJECT_FOREIGN_SERVER, IS_STRING, OWNER),
	FIXED(CreateUserMappingStmt, servername, OBJECT_FOREIGN_SERVER, IS_STRING),
	FIXED(AlterUserMappingStmt, servername, OBJECT_FOREIGN_SERVER, IS_STRING),
	FIXED(DropUserMappingStmt, servername, OBJECT_FOREIGN_SERVER, IS_STRING),
	FIXED(AlterPublicationStmt, pubname, OBJECT_PUBLICATION, IS_STRING, OWNER),
	FIXED(AlterSubscriptionStmt, subname, OBJECT_SUBSCRIPTION, IS_STRING, OWNER),
	FIXED(DropSubscriptionStmt, subname, OBJECT_SUBSCRIPTION, IS_STRING, OWNER),
	FIXED(ImportForeignSchemaStmt, local_schema, OBJECT_SCHEMA, IS_STRING),
	/* no object of a schema */
	{T_SelectStmt,.flags = QUERY},
	{T_DoStmt,.flags = CMIG_STATEMENT_ROWS | CODE | CMIG_STATEMENT_WRITE},
	{T_CallStmt,.flags = CMIG_STATEMENT_ROWS | CODE},
	{T_ExecuteStmt,.flags = CMIG_STATEMENT_ROWS | CODE | CMIG_STATEMENT_WRITE},
	{T_ExplainStmt,.flags = CODE, CONTAINS(ExplainStmt)},
	{T_DeclareCursorStmt, CONTAINS(DeclareCursorStmt)},
	{T_PrepareStmt, CONTAINS(PrepareStmt)},
	{T_AlterDefaultPrivilegesStmt,.flags = DEFINES},
	{T_VariableSetStmt,.flags = NAMED},
	{T_TransactionStmt,.flags = NAMED},
	{T_CreateRoleStmt,.flags = ROLES},
	{T_AlterRoleStmt,.flags = ROLES},
	{T_AlterRoleSetStmt,.flags = ROLES},
	{T_DropRoleStmt,.flags = ROLES},
	{T_GrantRoleStmt,.flags = ROLES},
	{T_CreatedbStmt,.flags = ALONE},
	{T_DropdbStmt,.flags = ALONE},
	{T_CreateTableSpaceStmt,.flags = ALONE},
	{T_DropTableSpaceStmt,.flags = ALONE},
	{T_AlterSystemStmt,.flags = ALONE},
	{T_AlterDatabaseStmt,.flags = SERVER},
	{T_AlterDatabaseSetStmt,.flags = SERVER},
	{T_AlterDatabaseRefreshCollStmt,.flags = SERVER},
	{T_AlterTableSpaceOptionsStmt,.flags = SERVER},
	{T_VacuumStmt,.flags = UPKEEP},
	{T_ReindexStmt,.flags = UPKEEP},
	{T_CheckPointStmt,.flags = UPKEEP},
	{T_DiscardStmt,.flags = UPKEEP},
	{T_DeallocateStmt,.flags = UPKEEP},
};

/* Returns the kind of a statement; if nothing is known of it, an empty one. */
static const StatementKind *
kind_of(const Node *statement)
{
	static const StatementKind unknown = {0};

	for (int i = 0; i < lengthof(kinds); i++)
		if (kinds[i].tag == nodeTag(statement))
			return &kinds[i];
	return &unknown;
}

/* Returns a field of a statement. */
#define FIELD(statement, type, offset) (*(type *) ((char *) (statement) + (offset)))

int
cmig_statement_flags(const Node *statement)
{
	return kind_of(statement)->flags & 0xFFFF;
}

LOCKMODE
cmig_statement_lock(const Node *statement)
{
	return kind_of(statement)->lock;
}

const char *
cmig_statement_privilege(const Node *statement)
{
	return kind_of(statement)->privilege;
}

bool
cmig_statement_missing_ok(const Node *statement)
{
	size_t		offset = kind_of(statement)->missing_ok;

	return offset != 0 && FIELD(statement, bool, offset);
}

Node *
cmig_statement_query(const Node *statement)
{
	size_t		offset = kind_of(statement)->query;

	return offset == 0 ? NULL : FIELD(statement, Node *, offset);
}

bool
cmig_statement_subject(Node *statement, CmigSubject *subject)
{
	const StatementKind *kind = kind_of(statement);
	void	   *object;

	if (kind->object == 0)
		return false;
	subject->flags = kind->flags & 0xFFFF;
	subject->type = kind->type_field == 0 ? kind->type :
		FIELD(statement, ObjectType, kind->type_field);
	object = FIELD(statement, void *, kind->object);
	if (kind->flags & IS_LIST)
		object = object == NULL ? NULL : linitial(object);
	if (kind->flags & IS_STRING)
		object = makeString(object);
	switch (nodeTag(statement))
	{
		case T_ClusterStmt:
			object = cmig_clustered_compat((ClusterStmt *) statement);
			break;
		case T_CreateTableAsStmt:
			object = ((IntoClause *) object)->rel;
			break;
		case T_CreateFunctionStmt:
			if (((CreateFunctionStmt *) statement)->is_procedure)
				subject->type = OBJECT_PROCEDURE;
			break;
		case T_CreateStatsStmt:
			/* unless the name is qualified, the schema is that of the table */
			if (list_length(object) >= 2)
				break;
			subject->flags = 0;
			subject->type = OBJECT_TABLE;
			object = linitial(((CreateStatsStmt *) statement)->relations);
			break;
		case T_CreateCastStmt:
			object = list_make2(object, ((CreateCastStmt *) statement)->targettype);
			break;
		case T_CreateTransformStmt:
			object = list_make2(object, makeString(((CreateTransformStmt *) statement)->lang));
			break;
		case T_AlterOpFamilyStmt:
			object = lcons(makeString(((AlterOpFamilyStmt *) statement)->amname),
						   list_copy(object));
			break;
		case T_CopyStmt:
			if (!((CopyStmt *) statement)->is_from)
				object = NULL;
			break;
		case T_RenameStmt:
			if (((RenameStmt *) statement)->relation != NULL)
				object = ((RenameStmt *) statement)->relation;
			else if (subject->type == OBJECT_SCHEMA)
				object = makeString(((RenameStmt *) statement)->subname);
			break;
		case T_AlterObjectSchemaStmt:
			if (((AlterObjectSchemaStmt *) statement)->relation != NULL)
				object = ((AlterObjectSchemaStmt *) statement)->relation;
			break;
		case T_GrantStmt:
			if (((GrantStmt *) statement)->targtype == ACL_TARGET_ALL_IN_SCHEMA)
				subject->type = OBJECT_SCHEMA;
			break;
		default:
			break;
	}
	subject->object = object;
	return true;
}
