/*
 * lint_types.h
 *	  Looks up types for cmig.lint.
 *
 * Only the catalogs are read.  The only functions called are the type modifier
 * functions of built-in types.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_TYPES_H
#define CMIG_LINT_TYPES_H

#include "postgres.h"
#include "lint/lint_rule.h"
#include "nodes/parsenodes.h"

/* The serial types, which create a sequence. */
typedef enum CmigLintSerial
{
	CMIG_LINT_NOT_SERIAL,
	CMIG_LINT_SMALLSERIAL,
	CMIG_LINT_SERIAL,
	CMIG_LINT_BIGSERIAL
} CmigLintSerial;

/* Which serial type is this, if any? */
extern CmigLintSerial cmig_lint_types_serial(const TypeName *type);

/*
 * Look up a type.  Sets *typmod to the type modifier, and *oid to the type's
 * OID, or to InvalidOid if the type is unknown.  If the plan creates the type,
 * sets *oid to InvalidOid and *new_name to the type's name; otherwise, sets
 * *new_name to NULL.
 */
extern void cmig_lint_types_find(CmigLint *lint, const TypeName *type,
								 Oid *oid, int32 *typmod, const char **new_name);

/* Is the type the built-in type "oid", or an array of that type? */
extern bool cmig_lint_types_is(CmigLint *lint, const TypeName *type, Oid oid);

/* Is the type a domain with a CHECK or NOT NULL constraint? */
extern bool cmig_lint_types_is_constrained_domain(CmigLint *lint, const TypeName *type);

/* Does the type have a default value, as a domain can? */
extern bool cmig_lint_types_has_default(CmigLint *lint, const TypeName *type);

/*
 * Does the value in ALTER TYPE ... ADD VALUE IF NOT EXISTS already exist in the
 * live database?
 */
extern bool cmig_lint_types_has_value(CmigLint *lint, const AlterEnumStmt *alter);

/* Returns a type's name for use in messages. */
extern char *cmig_lint_types_name(CmigLint *lint, const TypeName *type);

#endif							/* CMIG_LINT_TYPES_H */
