/*
 * domain.h
 *	  Determines whether a domain has constraints.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DOMAIN_H
#define CMIG_DOMAIN_H

#include "postgres.h"
#include "nodes/nodes.h"

/*
 * Is the type a domain that has constraints, or whose base domains have
 * constraints?  Use this function instead of DomainHasConstraints(), because
 * that function simplifies CHECK expressions, which calls the immutable
 * functions in them.
 */
extern bool cmig_domain_is_checked(Oid type);

/*
 * Can evaluating or simplifying the expression run other roles' code, that is,
 * a user-defined function or the constraints of a domain?
 */
extern bool cmig_domain_runs_code(Node *expression);

#endif							/* CMIG_DOMAIN_H */
