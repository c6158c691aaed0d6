/*
 * fingerprint.c
 *	  Computes fingerprints of schemas, which takes little time.
 *
 * First, the relations, types, and functions in a schema are found and named.
 * Then their catalog rows are hashed, together with the rows of columns,
 * constraints, and other objects that belong to them.  Everything that
 * cmig.diff_schemas compares must be part of the hash.  A schema that contains
 * objects of other kinds has no fingerprint.
 *
 * A fingerprint is a hash of the rows that describe a schema in the system
 * catalogs.  Two schemas that have the same fingerprint have the same objects
 * with the same properties, apart from the schema's name.  Two schemas that
 * have different fingerprints might also be equal: for example, a dropped
 * column makes a difference.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "scope/internal.h"

/* The catalog row of an object in the schema. */
typedef struct Found
{
	CmigScopeCatalogId id;
	HeapTuple	row;
} Found;

struct CmigFingerprints
{
	MemoryContext context;		/* reset for each schema */
	CmigScopeCatalog *catalogs;
	bool		is_unknown;		/* true if no fingerprint can be computed in
								 * this database */
	CmigScopeRows rows;
	List	   *found;			/* of Found *: rows of the objects in the
								 * schema */

	/* The following fields describe the object that is being hashed. */
	Oid			object;
	Oid			owner;
	uint64		hash;
};

static void
each(CmigFingerprints *f, CmigScopeCatalogId id, Oid key, CmigScopeCatalogCallback callback)
{
	cmig_scope_catalog_each(f->catalogs, id, key, InvalidOid, callback, f);
}

/*
 * Finding objects
 */

/* Callback: add a copy of the row to f->found. */
static void
keep(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	CmigFingerprints *f = arg;
	Found	   *found = palloc(sizeof(Found));

	found->id = id;
	found->row = heap_copytuple(row);
	f->found = lappend(f->found, found);
}

/*
 * Callback: record the name of a constraint of a partition or partitioned
 * table, because constraints of partitions refer to those of the partitioned
 * table.
 */
static void
name_constraint(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	CmigFingerprints *f = arg;
	Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(row);

	cmig_scope_name_add(&f->rows.names, constraint->oid, "constraint", cmig_scope_name_of(&f->rows.names, constraint->conrelid), NameStr(constraint->conname));
}

static void find_index(CmigScopeCatalogId id, HeapTuple row, void *arg);

/* Callback: find a relation and its indexes. */
static void
find_relation(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	CmigFingerprints *f = arg;
	Form_pg_class relation = (Form_pg_class) GETSTRUCT(row);

	keep(id, row, f);
	cmig_scope_name_add(&f->rows.names, relation->oid, "relation", 0, NameStr(relation->relname));
	if (OidIsValid(relation->reltype))
		cmig_scope_name_add(&f->rows.names, relation->reltype, "row type", 0, NameStr(relation->relname));
	if (relation->relkind == RELKIND_FOREIGN_TABLE)
		f->rows.is_unknown = true;
	if (relation->relkind == RELKIND_PARTITIONED_TABLE || relation->relispartition)
		each(f, CMIG_CONSTRAINT, relation->oid, name_constraint);
	if (relation->relkind == RELKIND_RELATION || relation->relkind == RELKIND_PARTITIONED_TABLE || relation->relkind == RELKIND_MATVIEW)
		each(f, CMIG_INDEX, relation->oid, find_index);
}

/* Callback: find an index. */
static void
find_index(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	CmigFingerprints *f = arg;

	keep(id, row, f);
	each(f, CMIG_CLASS, ((Form_pg_index) GETSTRUCT(row))->indexrelid, find_relation);
}

/* Callback: find a value of an enum. */
static void
find_label(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	CmigFingerprints *f = arg;
	Form_pg_enum label = (Form_pg_enum) GETSTRUCT(row);

	keep(id, row, f);
	cmig_scope_name_add(&f->rows.names, label->oid, "label", cmig_scope_name_of(&f->rows.names, label->enumtypid), NameStr(label->enumlabel));
}

/* Callback: find a type and what belongs to it. */
static void
find_type(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	CmigFingerprints *f = arg;
	Form_pg_type type = (Form_pg_type) GETSTRUCT(row);

	keep(id, row, f);
	cmig_scope_name_add(&f->rows.names, type->oid, "type", 0, NameStr(type->typname));
	if (OidIsValid(type->typarray))
		cmig_scope_name_add(&f->rows.names, type->typarray, "array type", 0, NameStr(type->typname));
	if (type->typtype == TYPTYPE_COMPOSITE)
		each(f, CMIG_CLASS, type->typrelid, find_relation);
	else if (type->typtype == TYPTYPE_ENUM)
		each(f, CMIG_ENUM, type->oid, find_label);
	else if (type->typtype != TYPTYPE_DOMAIN)
		f->rows.is_unknown = true;
}

/* Callback: find a function. */
static void
find_function(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	CmigFingerprints *f = arg;
	Form_pg_proc function = (Form_pg_proc) GETSTRUCT(row);

	keep(id, row, f);
	if (function->prokind == PROKIND_AGGREGATE)
		each(f, CMIG_AGGREGATE, function->oid, keep);
}

/*
 * Callback: find an object, given the pg_depend row that says that it is in
 * the schema.
 */
static void
find_object(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	CmigFingerprints *f = arg;
	Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(row);

	/*
	 * members of extensions are not supported here, because cmig.diff_schemas
	 * leaves them out
	 */
	if (OidIsValid(getExtensionOfObject(depend->classid, depend->objid)))
		f->rows.is_unknown = true;
	switch (depend->classid)
	{
		case RelationRelationId:
			each(f, CMIG_CLASS, depend->objid, find_relation);
			break;
		case TypeRelationId:
			each(f, CMIG_TYPE, depend->objid, find_type);
			break;
		case ProcedureRelationId:
			each(f, CMIG_PROC, depend->objid, find_function);
			break;
		case StatisticExtRelationId:
			each(f, CMIG_STATISTIC_EXT, depend->objid, keep);
			break;
		case DefaultAclRelationId:
		case PublicationNamespaceRelationId:
			break;				/* cmig.diff_schemas does not compare these */
		default:
			f->rows.is_unknown = true;
	}
}

/*
 * Record the names of the functions that were found.  A function's name
 * includes the types of its arguments, so the names of all types must have
 * been recorded before.
 */
static void
name_functions(CmigFingerprints *f)
{
	ListCell   *lc;

	foreach(lc, f->found)
	{
		const Found *found = lfirst(lc);
		Form_pg_proc function = (Form_pg_proc) GETSTRUCT(found->row);
		uint64		arguments = 0;

		if (found->id != CMIG_PROC)
			continue;
		for (int i = 0; i < function->proargtypes.dim1; i++)
			arguments = arguments * 31 + cmig_scope_name_of(&f->rows.names, function->proargtypes.values[i]);
		cmig_scope_name_add(&f->rows.names, function->oid, "function", arguments, NameStr(function->proname));
	}
}

/*
 * Hashing
 */

/* Callback: add a comment on the object whose row was added last. */
static void
add_comment(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	CmigFingerprints *f = arg;

	cmig_scope_row_add(&f->rows, id, row, InvalidOid, f->hash);
}

/* Add the row of an object and the comments on it to the fingerprint. */
static void
add_object(CmigFingerprints *f, CmigScopeCatalogId id, HeapTuple row, Oid catalog, Oid object)
{
	f->hash = cmig_scope_row_add(&f->rows, id, row, f->owner, 0);
	if (f->rows.options->comments)
		cmig_scope_catalog_each(f->catalogs, CMIG_DESCRIPTION, object, catalog, add_comment, f);
}

/* Callback: add a row of an object that cannot have comments. */
static void
add_plain(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	CmigFingerprints *f = arg;

	cmig_scope_row_add(&f->rows, id, row, f->owner, 0);
}

/* Callback: add a column, unless it has been dropped. */
static void
add_column(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	Form_pg_attribute column = (Form_pg_attribute) GETSTRUCT(row);

	if (!column->attisdropped)
		add_plain(id, row, arg);
}

static void
add_constraint(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	add_object(arg, id, row, ConstraintRelationId, ((Form_pg_constraint) GETSTRUCT(row))->oid);
}

/*
 * Callback: add a trigger, unless it is an internal one, such as a trigger of
 * a foreign key.
 */
static void
add_trigger(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(row);

	if (!trigger->tgisinternal)
		add_object(arg, id, row, TriggerRelationId, trigger->oid);
}

static void
add_rule(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	add_object(arg, id, row, RewriteRelationId, ((Form_pg_rewrite) GETSTRUCT(row))->oid);
}

static void
add_policy(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	add_object(arg, id, row, PolicyRelationId, ((Form_pg_policy) GETSTRUCT(row))->oid);
}

/* Callback: add the dependency of a sequence on the column that owns it. */
static void
add_sequence_owner(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	if (((Form_pg_depend) GETSTRUCT(row))->refclassid == RelationRelationId)
		add_plain(id, row, arg);
}

/* Callback: add the storage parameters of a table's TOAST table. */
static void
add_toast(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	CmigFingerprints *f = arg;
	bool		isnull;
	Datum		options = heap_getattr(row, Anum_pg_class_reloptions, RelationGetDescr(f->catalogs[id].table), &isnull);

	if (!isnull)
		cmig_scope_row_add_options(&f->rows, f->object, options);
}

/* Add the parts of a table or view, such as its constraints. */
static void
add_table(CmigFingerprints *f, Form_pg_class relation)
{
	each(f, CMIG_CONSTRAINT, relation->oid, add_constraint);
	each(f, CMIG_ATTRDEF, relation->oid, add_plain);
	each(f, CMIG_INHERITS, relation->oid, add_plain);
	each(f, CMIG_POLICY, relation->oid, add_policy);
	if (relation->relhastriggers)
		each(f, CMIG_TRIGGER, relation->oid, add_trigger);
	if (relation->relhasrules)
		each(f, CMIG_REWRITE, relation->oid, add_rule);
	if (relation->relkind == RELKIND_PARTITIONED_TABLE)
		each(f, CMIG_PARTITIONED, relation->oid, add_plain);
	if (OidIsValid(relation->reltoastrelid))
		each(f, CMIG_CLASS, relation->reltoastrelid, add_toast);
}

/* Add a relation and its parts. */
static void
add_relation(CmigFingerprints *f, HeapTuple row)
{
	Form_pg_class relation = (Form_pg_class) GETSTRUCT(row);

	f->object = relation->oid;
	f->owner = relation->relowner;
	add_object(f, CMIG_CLASS, row, RelationRelationId, relation->oid);
	each(f, CMIG_ATTRIBUTE, relation->oid, add_column);
	switch (relation->relkind)
	{
		case RELKIND_SEQUENCE:
			each(f, CMIG_SEQUENCE, relation->oid, add_plain);
			cmig_scope_catalog_each(f->catalogs, CMIG_DEPENDS, RelationRelationId, relation->oid, add_sequence_owner, f);
			break;
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			if (relation->relispartition)
				each(f, CMIG_INHERITS, relation->oid, add_plain);
			break;
		case RELKIND_COMPOSITE_TYPE:
			break;
		default:
			add_table(f, relation);
	}
}

/* Add a type and, if it is a domain, its constraints. */
static void
add_type(CmigFingerprints *f, HeapTuple row)
{
	Form_pg_type type = (Form_pg_type) GETSTRUCT(row);

	f->owner = type->typowner;
	add_object(f, CMIG_TYPE, row, TypeRelationId, type->oid);
	if (type->typtype == TYPTYPE_DOMAIN)
		each(f, CMIG_DOMAIN_CONSTRAINT, type->oid, add_constraint);
}

/* Add a function. */
static void
add_function(CmigFingerprints *f, HeapTuple row)
{
	Form_pg_proc function = (Form_pg_proc) GETSTRUCT(row);

	f->owner = function->proowner;
	add_object(f, CMIG_PROC, row, ProcedureRelationId, function->oid);
}

/* Add an object, given its row, and its parts. */
static void
add_found(CmigFingerprints *f, const Found *found)
{
	switch (found->id)
	{
		case CMIG_CLASS:
			add_relation(f, found->row);
			break;
		case CMIG_TYPE:
			add_type(f, found->row);
			break;
		case CMIG_PROC:
			add_function(f, found->row);
			break;
		case CMIG_STATISTIC_EXT:
			add_object(f, found->id, found->row, StatisticExtRelationId, ((Form_pg_statistic_ext) GETSTRUCT(found->row))->oid);
			break;
		default:
			add_plain(found->id, found->row, f);
	}
}

/* Callback: add the row of the schema itself. */
static void
add_schema(CmigScopeCatalogId id, HeapTuple row, void *arg)
{
	CmigFingerprints *f = arg;
	Form_pg_namespace schema = (Form_pg_namespace) GETSTRUCT(row);

	f->owner = schema->nspowner;
	add_object(f, id, row, NamespaceRelationId, schema->oid);
}

/* Find and hash the objects of a schema. */
static void
add_objects(CmigFingerprints *f, const char *name)
{
	Oid			schema = get_namespace_oid(name, true);
	ListCell   *lc;

	f->found = NIL;
	cmig_scope_row_begin(&f->rows, name);
	f->rows.is_unknown = !OidIsValid(schema);	/* true if another session has
												 * dropped the schema */
	cmig_scope_name_add(&f->rows.names, schema, "schema", 0, "");
	cmig_scope_catalog_each(f->catalogs, CMIG_OF_SCHEMA, NamespaceRelationId, schema, find_object, f);
	name_functions(f);
	each(f, CMIG_NAMESPACE, schema, add_schema);
	foreach(lc, f->found)
	{
		if (f->rows.is_unknown)
			return;
		add_found(f, lfirst(lc));
	}
}

CmigFingerprints *
cmig_scope_fingerprint_begin(const CmigScopeOptions *options)
{
	CmigFingerprints *f = palloc0(sizeof(CmigFingerprints));

	f->context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig fingerprint", ALLOCSET_DEFAULT_SIZES);
	f->catalogs = cmig_scope_catalog_open();
	f->rows.options = options;
	f->rows.catalogs = f->catalogs;

	/*
	 * Citus stores properties of tables in its own catalogs, which are not
	 * read
	 */
	f->is_unknown = OidIsValid(get_extension_oid("citus", true));
	return f;
}

void
cmig_scope_fingerprint_end(CmigFingerprints *f)
{
	cmig_scope_catalog_close(f->catalogs);
	MemoryContextDelete(f->context);
	pfree(f);
}

CmigFingerprint
cmig_scope_fingerprint(CmigFingerprints *f, const char *schema)
{
	CmigFingerprint result = {0};
	MemoryContext old;

	if (f->is_unknown)
		return result;
	old = MemoryContextSwitchTo(f->context);
	add_objects(f, schema);
	result.is_known = !f->rows.is_unknown;
	memcpy(result.sum, f->rows.sum, sizeof(result.sum));
	MemoryContextSwitchTo(old);
	MemoryContextReset(f->context);
	return result;
}

bool
cmig_scope_fingerprint_same(const CmigFingerprint *a, const CmigFingerprint *b)
{
	return a->is_known && b->is_known && memcmp(a->sum, b->sum, sizeof(a->sum)) == 0;
}
