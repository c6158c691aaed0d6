/*
 * kind_constraint.h
 *	  Functions with which other modules examine table constraints.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_CONSTRAINT_H
#define CMIG_KIND_CONSTRAINT_H

#include "postgres.h"
#include "kinds/kind.h"
#include "lib/stringinfo.h"

/*
 * SQL expression for the qualified name of the parent index to which the index
 * "oid" is attached.
 */
#define CMIG_ATTACHED_SQL(oid) \
	"(SELECT format('%I.%I', hn.nspname, hc.relname) FROM pg_inherits h JOIN pg_class hc ON hc.oid = h.inhparent" \
	" JOIN pg_namespace hn ON hn.oid = hc.relnamespace WHERE h.inhrelid = " oid ")"

/* Returns the printed definition of a constraint. */
extern const char *cmig_constraint_text(const CmigObject *constraint);

/*
 * Returns the qualified name of the parent index to which the constraint's
 * index is attached, or NULL if it is not attached.
 */
extern const char *cmig_constraint_attached(const CmigObject *constraint);

/*
 * Does the index of "attached" have the same parameters and tablespace as
 * the index of "constraint", and no properties that only ALTER TABLE can
 * set?
 */
extern bool cmig_constraint_is_like(const CmigObject *attached, const CmigObject *constraint);

/*
 * Returns the storage parameters and the tablespace of the constraint's index,
 * in the form that CREATE INDEX has after the columns.
 */
extern char *cmig_constraint_parameters(const CmigObject *constraint);

/* Append "CONSTRAINT name CHECK (...)", with index parameters, if any. */
extern void cmig_constraint_definition(StringInfo buf, const CmigObject *constraint);

#endif							/* CMIG_KIND_CONSTRAINT_H */
