/*
 * lint_types.h
 *	  Types, as cmig.lint looks them up.
 *
 * Only the catalogs are read, and no functions are called except those for
 * modifiers of built-in types.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_TYPES_H
#define CMIG_LINT_TYPES_H

#include "postgres.h"
#include "inspect/lint_rule.h"
#include "nodes/parsenodes.h"

/* The pseudo-types, such as serial, that create a sequence. */
typedef enum CmigLintSerial
{
	CMIG_LINT_NOT_SERIAL,
	CMIG_LINT_SMALLSERIAL,
	CMIG_LINT_SERIAL,
	CMIG_LINT_BIGSERIAL
} CmigLintSerial;

extern CmigLintSerial cmig_lint_types_serial(const TypeName *type);

/*
 * Look up a type. Sets its OID, its modifier, and the name of a type that the
 * plan creates; the OID is invalid if the type is unknown.
 */
extern void cmig_lint_types_find(CmigLint *lint, const TypeName *type,
								 Oid *oid, int32 *typmod, const char **new_name);

/* Is it this type of pg_catalog, or an array of it? */
extern bool cmig_lint_types_is(CmigLint *lint, const TypeName *type, Oid oid);

/* Is it a domain with a CHECK or NOT NULL? */
extern bool cmig_lint_types_is_constrained_domain(CmigLint *lint, const TypeName *type);

/* Is it a domain with a default of its own? */
extern bool cmig_lint_types_has_default(CmigLint *lint, const TypeName *type);

/*
 * Does the value of ADD VALUE IF NOT EXISTS already exist in the live
 * database?
 */
extern bool cmig_lint_types_has_value(CmigLint *lint, const AlterEnumStmt *alter);

/* The name of a type for messages. */
extern char *cmig_lint_types_name(CmigLint *lint, const TypeName *type);

#endif							/* CMIG_LINT_TYPES_H */
