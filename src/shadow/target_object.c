/*
 * target_object.c
 *	  Finds the object that a target's statement is about.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "shadow/target_object.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* The names of object types. */
static const char *const kind_names[] = {
	[OBJECT_ACCESS_METHOD] = "access method",
	[OBJECT_AGGREGATE] = "aggregate",
	[OBJECT_CAST] = "cast",
	[OBJECT_COLLATION] = "collation",
	[OBJECT_COLUMN] = "column",
	[OBJECT_CONVERSION] = "conversion",
	[OBJECT_DATABASE] = "database",
	[OBJECT_DOMAIN] = "domain",
	[OBJECT_EVENT_TRIGGER] = "event trigger",
	[OBJECT_EXTENSION] = "extension",
	[OBJECT_FDW] = "foreign-data wrapper",
	[OBJECT_FOREIGN_SERVER] = "server",
	[OBJECT_FOREIGN_TABLE] = "foreign table",
	[OBJECT_FUNCTION] = "function",
	[OBJECT_ROUTINE] = "function",
	[OBJECT_INDEX] = "index",
	[OBJECT_LANGUAGE] = "language",
	[OBJECT_LARGEOBJECT] = "large object",
	[OBJECT_MATVIEW] = "materialized view",
	[OBJECT_OPCLASS] = "operator class",
	[OBJECT_OPERATOR] = "operator",
	[OBJECT_OPFAMILY] = "operator family",
	[OBJECT_POLICY] = "policy",
	[OBJECT_PROCEDURE] = "procedure",
	[OBJECT_PUBLICATION] = "publication",
	[OBJECT_ROLE] = "role",
	[OBJECT_RULE] = "rule",
	[OBJECT_SCHEMA] = "schema",
	[OBJECT_SEQUENCE] = "sequence",
	[OBJECT_STATISTIC_EXT] = "statistics",
	[OBJECT_SUBSCRIPTION] = "subscription",
	[OBJECT_TABLE] = "table",
	[OBJECT_TABLESPACE] = "tablespace",
	[OBJECT_TRANSFORM] = "transform",
	[OBJECT_TRIGGER] = "trigger",
	[OBJECT_TSCONFIGURATION] = "text search configuration",
	[OBJECT_TSDICTIONARY] = "text search dictionary",
	[OBJECT_TSPARSER] = "text search parser",
	[OBJECT_TSTEMPLATE] = "text search template",
	[OBJECT_TYPE] = "type",
	[OBJECT_USER_MAPPING] = "user mapping",
	[OBJECT_VIEW] = "view",
};

const char *
cmig_target_object_kind(ObjectType type)
{
	const char *name = type < lengthof(kind_names) ? kind_names[type] : NULL;

	return name ? name : "object";
}

char *
cmig_target_object_name(ObjectType type, Node *object)
{
	if (object == NULL)
		return pstrdup("");
	switch (nodeTag(object))
	{
		case T_String:
			return pstrdup(quote_identifier(strVal(object)));
		case T_RangeVar:
			{
				RangeVar   *name = (RangeVar *) object;

				return quote_qualified_identifier(name->schemaname, name->relname);
			}
		case T_ObjectWithArgs:
			return NameListToQuotedString(((ObjectWithArgs *) object)->objname);
		case T_TypeName:
			return TypeNameToString((TypeName *) object);
		case T_List:
			if (type == OBJECT_CAST)
				return psprintf("(%s AS %s)", TypeNameToString(linitial_node(TypeName, (List *) object)),
								TypeNameToString(lsecond_node(TypeName, (List *) object)));
			if (object != NULL && IsA(linitial((List *) object), String) &&
				IsA(llast((List *) object), String))
				return NameListToQuotedString((List *) object);
			return pstrdup("");
		default:
			return pstrdup("");
	}
}

/*
 * Schemas
 */

/* Returns the schema of new objects whose names are not qualified, or NULL. */
static char *
creation_schema(void)
{
	List	   *path = fetch_search_path(false);
	char	   *schema = path == NIL ? NULL : get_namespace_name(linitial_oid(path));

	list_free(path);
	return schema;
}

/* Returns the schema in a qualified name, or NULL. */
static char *
schema_of_names(List *names)
{
	return list_length(names) < 2 ? NULL : strVal(list_nth(names, list_length(names) - 2));
}

/* Returns the schema of a new object with this name. */
static char *
schema_of_made(List *names)
{
	char	   *schema = schema_of_names(names);

	return schema != NULL ? schema : creation_schema();
}

/* Returns the schema of a new relation, or NULL if it is temporary. */
static char *
schema_of_made_relation(const RangeVar *name)
{
	if (name->relpersistence == RELPERSISTENCE_TEMP)
		return NULL;
	return name->schemaname != NULL ? name->schemaname : creation_schema();
}

/* Returns the schema of an existing relation, or NULL. */
static char *
schema_of_relation(const RangeVar *name)
{
	Oid			relation;

	if (name == NULL || name->schemaname != NULL)
		return name == NULL ? NULL : name->schemaname;
	relation = RangeVarGetRelid(name, NoLock, true);
	return OidIsValid(relation) ? get_namespace_name(get_rel_namespace(relation)) : NULL;
}

/*
 * Returns the schema of the relation in a list of names, or NULL.  The last
 * "parts" names belong to a part of the relation, such as a column.
 */
static char *
schema_of_relation_names(List *names, int parts)
{
	names = list_truncate(list_copy(names), list_length(names) - parts);
	return names == NIL || list_length(names) > 3 ? NULL :
		schema_of_relation(makeRangeVarFromNameList(names));
}

/* Returns the schema of an existing object, or NULL. */
static char *
schema_of_object(ObjectType type, Node *object)
{
	if (object == NULL)
		return NULL;
	if (IsA(object, RangeVar))
		return schema_of_relation((RangeVar *) object);
	if (IsA(object, ObjectWithArgs))
		return schema_of_names(((ObjectWithArgs *) object)->objname);
	if (IsA(object, TypeName))
		return schema_of_names(((TypeName *) object)->names);
	if (type == OBJECT_SCHEMA && IsA(object, String))
		return strVal(object);
	if (!IsA(object, List))
		return NULL;
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
		case OBJECT_FOREIGN_TABLE:
			return schema_of_relation_names((List *) object, 0);
		case OBJECT_COLUMN:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			return schema_of_relation_names((List *) object, 1);
		case OBJECT_DOMCONSTRAINT:
			return schema_of_object(OBJECT_DOMAIN, linitial((List *) object));
		case OBJECT_OPCLASS:
		case OBJECT_OPFAMILY:
			/* the first name is the access method */
			return list_length((List *) object) < 3 ? NULL : schema_of_names((List *) object);
		case OBJECT_COLLATION:
		case OBJECT_CONVERSION:
		case OBJECT_STATISTIC_EXT:
		case OBJECT_TSCONFIGURATION:
		case OBJECT_TSDICTIONARY:
		case OBJECT_TSPARSER:
		case OBJECT_TSTEMPLATE:
			return schema_of_names((List *) object);
		default:
			return NULL;
	}
}

/* Returns the schema of the first object in a GRANT, or NULL. */
static char *
schema_of_grant(const GrantStmt *grant)
{
	if (grant->targtype == ACL_TARGET_ALL_IN_SCHEMA)
		return strVal(linitial(grant->objects));
	if (grant->targtype != ACL_TARGET_OBJECT)
		return NULL;
	return schema_of_object(grant->objtype, linitial(grant->objects));
}

/* Returns the schema in which a statement creates an object, or NULL. */
static char *
schema_of_creation(Node *node)
{
	switch (nodeTag(node))
	{
		case T_CreateStmt:
			return schema_of_made_relation(((CreateStmt *) node)->relation);
		case T_CreateForeignTableStmt:
			return schema_of_made_relation(((CreateForeignTableStmt *) node)->base.relation);
		case T_CreateTableAsStmt:
			return schema_of_made_relation(((CreateTableAsStmt *) node)->into->rel);
		case T_ViewStmt:
			return schema_of_made_relation(((ViewStmt *) node)->view);
		case T_CreateSeqStmt:
			return schema_of_made_relation(((CreateSeqStmt *) node)->sequence);
		case T_CompositeTypeStmt:
			return schema_of_made_relation(((CompositeTypeStmt *) node)->typevar);
		case T_CreateEnumStmt:
			return schema_of_made(((CreateEnumStmt *) node)->typeName);
		case T_CreateRangeStmt:
			return schema_of_made(((CreateRangeStmt *) node)->typeName);
		case T_CreateDomainStmt:
			return schema_of_made(((CreateDomainStmt *) node)->domainname);
		case T_CreateFunctionStmt:
			return schema_of_made(((CreateFunctionStmt *) node)->funcname);
		case T_DefineStmt:
			return schema_of_made(((DefineStmt *) node)->defnames);
		case T_CreateOpClassStmt:
			return schema_of_made(((CreateOpClassStmt *) node)->opclassname);
		case T_CreateOpFamilyStmt:
			return schema_of_made(((CreateOpFamilyStmt *) node)->opfamilyname);
		case T_CreateConversionStmt:
			return schema_of_made(((CreateConversionStmt *) node)->conversion_name);
		case T_ImportForeignSchemaStmt:
			return ((ImportForeignSchemaStmt *) node)->local_schema;
		default:
			return NULL;
	}
}

/* Returns the relation that a statement is about, or NULL. */
static RangeVar *
relation_of(Node *node)
{
	switch (nodeTag(node))
	{
		case T_IndexStmt:
			return ((IndexStmt *) node)->relation;
		case T_CreateTrigStmt:
			return ((CreateTrigStmt *) node)->relation;
		case T_RuleStmt:
			return ((RuleStmt *) node)->relation;
		case T_CreatePolicyStmt:
			return ((CreatePolicyStmt *) node)->table;
		case T_AlterPolicyStmt:
			return ((AlterPolicyStmt *) node)->table;
		case T_AlterTableStmt:
			return ((AlterTableStmt *) node)->relation;
		case T_AlterSeqStmt:
			return ((AlterSeqStmt *) node)->sequence;
		case T_RefreshMatViewStmt:
			return ((RefreshMatViewStmt *) node)->relation;
		case T_ClusterStmt:
			return ((ClusterStmt *) node)->relation;
		case T_TruncateStmt:
			return linitial(((TruncateStmt *) node)->relations);
		case T_LockStmt:
			return linitial(((LockStmt *) node)->relations);
		case T_CopyStmt:
			return ((CopyStmt *) node)->is_from ? ((CopyStmt *) node)->relation : NULL;
		case T_InsertStmt:
			return ((InsertStmt *) node)->relation;
		case T_UpdateStmt:
			return ((UpdateStmt *) node)->relation;
		case T_DeleteStmt:
			return ((DeleteStmt *) node)->relation;
		case T_MergeStmt:
			return ((MergeStmt *) node)->relation;
		case T_RenameStmt:
			return ((RenameStmt *) node)->relation;
		case T_AlterObjectSchemaStmt:
			return ((AlterObjectSchemaStmt *) node)->relation;
		default:
			return NULL;
	}
}

static char *
schema_of_statistics(const CreateStatsStmt *statement)
{
	Node	   *from = linitial(statement->relations);

	if (statement->defnames != NIL && list_length(statement->defnames) > 1)
		return schema_of_names(statement->defnames);
	return IsA(from, RangeVar) ? schema_of_relation((RangeVar *) from) : NULL;
}

/*
 * Returns the schema of the existing object that a statement is about, or
 * NULL.
 */
static char *
schema_of_change(Node *node)
{
	switch (nodeTag(node))
	{
		case T_RenameStmt:
			if (((RenameStmt *) node)->renameType == OBJECT_SCHEMA)
				return ((RenameStmt *) node)->subname;
			return schema_of_object(((RenameStmt *) node)->renameType,
									((RenameStmt *) node)->object);
		case T_AlterObjectSchemaStmt:
			return schema_of_object(((AlterObjectSchemaStmt *) node)->objectType,
									((AlterObjectSchemaStmt *) node)->object);
		case T_AlterOwnerStmt:
			return schema_of_object(((AlterOwnerStmt *) node)->objectType,
									((AlterOwnerStmt *) node)->object);
		case T_CommentStmt:
			return schema_of_object(((CommentStmt *) node)->objtype,
									((CommentStmt *) node)->object);
		case T_SecLabelStmt:
			return schema_of_object(((SecLabelStmt *) node)->objtype,
									((SecLabelStmt *) node)->object);
		case T_DropStmt:
			return schema_of_object(((DropStmt *) node)->removeType,
									linitial(((DropStmt *) node)->objects));
		case T_GrantStmt:
			return schema_of_grant((GrantStmt *) node);
		case T_AlterFunctionStmt:
			return schema_of_names(((AlterFunctionStmt *) node)->func->objname);
		case T_AlterEnumStmt:
			return schema_of_names(((AlterEnumStmt *) node)->typeName);
		case T_AlterTypeStmt:
			return schema_of_names(((AlterTypeStmt *) node)->typeName);
		case T_AlterDomainStmt:
			return schema_of_names(((AlterDomainStmt *) node)->typeName);
		case T_AlterOperatorStmt:
			return schema_of_names(((AlterOperatorStmt *) node)->opername->objname);
		case T_AlterOpFamilyStmt:
			return schema_of_names(((AlterOpFamilyStmt *) node)->opfamilyname);
		case T_AlterCollationStmt:
			return schema_of_names(((AlterCollationStmt *) node)->collname);
		case T_AlterStatsStmt:
			return schema_of_names(((AlterStatsStmt *) node)->defnames);
		case T_AlterTSDictionaryStmt:
			return schema_of_names(((AlterTSDictionaryStmt *) node)->dictname);
		case T_AlterTSConfigurationStmt:
			return schema_of_names(((AlterTSConfigurationStmt *) node)->cfgname);
		case T_CreateStatsStmt:
			return schema_of_statistics((CreateStatsStmt *) node);
		default:
			return NULL;
	}
}

char *
cmig_target_object_schema(Node *statement)
{
	RangeVar   *relation = relation_of(statement);
	char	   *schema;

	if (relation != NULL)
		return schema_of_relation(relation);
	schema = schema_of_creation(statement);
	return schema != NULL ? schema : schema_of_change(statement);
}
