/*
 * scope_catalog.c
 *	  Scans the system catalogs for the objects of a scope's schema.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "scope/scope_catalog.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_description.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/*
 * The system catalogs, indexed by CmigScopeCatalogId, with the index for the
 * scan and the leading columns of that index.
 */
static const struct
{
	Oid			table;
	Oid			index;
	AttrNumber	keys[2];
}			definitions[CMIG_SCOPE_CATALOGS] = {
	[CMIG_OF_SCHEMA] = {DependRelationId, DependReferenceIndexId, {Anum_pg_depend_refclassid, Anum_pg_depend_refobjid}},
	[CMIG_DEPENDS] = {DependRelationId, DependDependerIndexId, {Anum_pg_depend_classid, Anum_pg_depend_objid}},
	[CMIG_NAMESPACE] = {NamespaceRelationId, NamespaceOidIndexId, {Anum_pg_namespace_oid}},
	[CMIG_CLASS] = {RelationRelationId, ClassOidIndexId, {Anum_pg_class_oid}},
	[CMIG_ATTRIBUTE] = {AttributeRelationId, AttributeRelidNumIndexId, {Anum_pg_attribute_attrelid, Anum_pg_attribute_attnum}},
	[CMIG_INDEX] = {IndexRelationId, IndexIndrelidIndexId, {Anum_pg_index_indrelid}},
	[CMIG_CONSTRAINT] = {ConstraintRelationId, ConstraintRelidTypidNameIndexId, {Anum_pg_constraint_conrelid}},
	[CMIG_DOMAIN_CONSTRAINT] = {ConstraintRelationId, ConstraintTypidIndexId, {Anum_pg_constraint_contypid}},
	[CMIG_ATTRDEF] = {AttrDefaultRelationId, AttrDefaultIndexId, {Anum_pg_attrdef_adrelid}},
	[CMIG_TRIGGER] = {TriggerRelationId, TriggerRelidNameIndexId, {Anum_pg_trigger_tgrelid}},
	[CMIG_REWRITE] = {RewriteRelationId, RewriteRelRulenameIndexId, {Anum_pg_rewrite_ev_class}},
	[CMIG_POLICY] = {PolicyRelationId, PolicyPolrelidPolnameIndexId, {Anum_pg_policy_polrelid}},
	[CMIG_SEQUENCE] = {SequenceRelationId, SequenceRelidIndexId, {Anum_pg_sequence_seqrelid}},
	[CMIG_INHERITS] = {InheritsRelationId, InheritsRelidSeqnoIndexId, {Anum_pg_inherits_inhrelid}},
	[CMIG_PARTITIONED] = {PartitionedRelationId, PartitionedRelidIndexId, {Anum_pg_partitioned_table_partrelid}},
	[CMIG_TYPE] = {TypeRelationId, TypeOidIndexId, {Anum_pg_type_oid}},
	[CMIG_ENUM] = {EnumRelationId, EnumTypIdLabelIndexId, {Anum_pg_enum_enumtypid}},
	[CMIG_PROC] = {ProcedureRelationId, ProcedureOidIndexId, {Anum_pg_proc_oid}},
	[CMIG_AGGREGATE] = {AggregateRelationId, AggregateFnoidIndexId, {Anum_pg_aggregate_aggfnoid}},
	[CMIG_STATISTIC_EXT] = {StatisticExtRelationId, StatisticExtOidIndexId, {Anum_pg_statistic_ext_oid}},
	[CMIG_DESCRIPTION] = {DescriptionRelationId, DescriptionObjIndexId, {Anum_pg_description_objoid, Anum_pg_description_classoid}},
};

/*
 * Columns whose values differ between equal objects: OIDs and schemas of the
 * objects, files, statistics, and flags that repeat what other rows say.  The
 * comparison of two schemas (kinds/image.h) does not contain them either.
 */
static const char *const ignored_columns[] = {
	"oid", "nspname", "relnamespace", "reltype", "relnatts", "relfilenode", "relpages", "reltuples", "relallvisible", "relallfrozen", "reltoastrelid",
	"relhasindex", "relhasrules", "relhastriggers", "relhassubclass", "relrewrite", "relfrozenxid", "relminmxid",
	"attcacheoff", "atthasmissing", "attmissingval", "indcheckxmin", "connamespace", "tgconstraint",
	"typnamespace", "typarray", "typrelid", "pronamespace", "stxnamespace"
};

static const char *const owner_columns[] = {"nspowner", "relowner", "typowner", "proowner", "stxowner"};

static const char *const privilege_columns[] = {"nspacl", "relacl", "attacl", "typacl", "proacl"};

static bool
is_among(const char *name, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Returns an array that says how each column of a catalog is compared. */
static CmigScopeColumn *
columns_of(Relation table)
{
	TupleDesc	desc = RelationGetDescr(table);
	CmigScopeColumn *columns = palloc0(sizeof(CmigScopeColumn) * desc->natts);

	for (int i = 0; i < desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(desc, i)->attname);

		if (is_among(name, ignored_columns, lengthof(ignored_columns)))
			columns[i] = CMIG_COLUMN_IGNORED;
		else if (is_among(name, owner_columns, lengthof(owner_columns)))
			columns[i] = CMIG_COLUMN_OWNER;
		else if (is_among(name, privilege_columns, lengthof(privilege_columns)))
			columns[i] = CMIG_COLUMN_PRIVILEGES;
	}
	return columns;
}

CmigScopeCatalog *
cmig_scope_catalog_open(void)
{
	CmigScopeCatalog *catalogs = palloc0(sizeof(CmigScopeCatalog) * CMIG_SCOPE_CATALOGS);

	for (int i = 0; i < CMIG_SCOPE_CATALOGS; i++)
	{
		catalogs[i].table = table_open(definitions[i].table, AccessShareLock);
		catalogs[i].index = index_open(definitions[i].index, AccessShareLock);
		memcpy(catalogs[i].keys, definitions[i].keys, sizeof(catalogs[i].keys));
		catalogs[i].columns = columns_of(catalogs[i].table);
	}
	return catalogs;
}

void
cmig_scope_catalog_close(CmigScopeCatalog *catalogs)
{
	for (int i = 0; i < CMIG_SCOPE_CATALOGS; i++)
	{
		index_close(catalogs[i].index, AccessShareLock);
		table_close(catalogs[i].table, AccessShareLock);
		pfree(catalogs[i].columns);
	}
	pfree(catalogs);
}

void
cmig_scope_catalog_each(const CmigScopeCatalog *catalogs, CmigScopeCatalogId id, Oid first, Oid second,
						CmigScopeCatalogCallback callback, void *arg)
{
	const CmigScopeCatalog *catalog = &catalogs[id];
	int			nkeys = 1;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&keys[0], catalog->keys[0], BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(first));
	if (OidIsValid(second))
		ScanKeyInit(&keys[nkeys++], catalog->keys[1], BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(second));
	else if (id == CMIG_ATTRIBUTE)
		ScanKeyInit(&keys[nkeys++], catalog->keys[1], BTGreaterStrategyNumber, F_INT2GT, Int16GetDatum(0));
	scan = systable_beginscan_ordered(catalog->table, catalog->index, NULL, nkeys, keys);
	while (HeapTupleIsValid(row = systable_getnext_ordered(scan, ForwardScanDirection)))
		callback(id, row, arg);
	systable_endscan_ordered(scan);
}
